package main

const (
	firstLength   = 512
	longestNumber = 32
)

// A writer writes a tree as text into bytes that double when they are full.
type writer struct {
	buffer []byte
	used   int
}

// write returns the text, which ends with a zero byte; there may be more bytes.
func write(v value) []byte {
	w := writer{buffer: make([]byte, firstLength)}
	v.write(&w)
	w.byte(0)
	return w.buffer
}

// reserve makes room for so many bytes more.
func (w *writer) reserve(bytes int) {
	length := len(w.buffer)
	for length < w.used+bytes {
		length *= 2
	}
	if length > len(w.buffer) {
		larger := make([]byte, length)
		copy(larger, w.buffer[:w.used])
		w.buffer = larger
	}
}

// put writes a byte for which there is room.
func (w *writer) put(letter byte) {
	w.buffer[w.used] = letter
	w.used++
}

func (w *writer) byte(letter byte) {
	w.reserve(1)
	w.put(letter)
}

// escapeOf returns the letter that stands behind a backslash for this byte, or 0.
func escapeOf(letter byte) byte {
	switch letter {
	case '"', '\\':
		return letter
	case '\n':
		return 'n'
	case '\t':
		return 't'
	}
	return 0
}

func (t text) write(w *writer) {
	w.reserve(2*len(t) + 2)
	w.put('"')
	for _, letter := range t {
		if escape := escapeOf(letter); escape != 0 {
			w.put('\\')
			w.put(escape)
		} else {
			w.put(letter)
		}
	}
	w.put('"')
}

// A sign, digits, and three decimals unless they are zero.
func (n *number) write(w *writer) {
	var digits [longestNumber]byte
	start, rest := len(digits), n.thousandths
	if rest < 0 {
		rest = -rest
	}
	decimals := 3
	if rest%1000 == 0 {
		decimals = 0
		rest /= 1000
	}
	for i := 0; i <= decimals || rest > 0; i++ {
		if i == decimals && decimals > 0 {
			start--
			digits[start] = '.'
		}
		start--
		digits[start] = byte('0' + rest%10)
		rest /= 10
	}
	if n.thousandths < 0 {
		start--
		digits[start] = '-'
	}
	w.reserve(longestNumber)
	w.used += copy(w.buffer[w.used:], digits[start:])
}

func (a array) write(w *writer) {
	w.byte('[')
	for i, item := range a {
		if i > 0 {
			w.byte(',')
		}
		item.write(w)
	}
	w.byte(']')
}

func (o *object) write(w *writer) {
	w.byte('{')
	for p := o.first; p != nil; p = p.next {
		if p != o.first {
			w.byte(',')
		}
		p.name.write(w)
		w.byte(':')
		p.value.write(w)
	}
	w.byte('}')
}
