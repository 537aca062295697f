package main

import "lull/peers/bench"

const firstItems = 4

// A parser makes a tree of a text that ends with a zero byte.
type parser struct {
	text []byte
	at   int
}

func parse(text []byte) value {
	p := parser{text: text}
	v := p.value()
	p.expect(0)
	return v
}

func (p *parser) accept(letter byte) bool {
	if p.text[p.at] != letter {
		return false
	}
	p.at++
	return true
}

func (p *parser) expect(letter byte) {
	if !p.accept(letter) {
		bench.Fail("%q in a text instead of %q", p.text[p.at], letter)
	}
}

func (p *parser) value() value {
	switch p.text[p.at] {
	case '{':
		return p.object()
	case '[':
		return p.array()
	case '"':
		return p.string()
	}
	return p.number()
}

// length returns how many bytes are between the quotes, each escape counted as one.
func (p *parser) length() (length int) {
	for at := p.at; p.text[at] != 0 && p.text[at] != '"'; at++ {
		if p.text[at] == '\\' && p.text[at+1] != 0 {
			at++
		}
		length++
	}
	return length
}

func unescape(letter byte) byte {
	switch letter {
	case 'n':
		return '\n'
	case 't':
		return '\t'
	}
	return letter
}

func (p *parser) next() byte {
	letter := p.text[p.at]
	p.at++
	return letter
}

func (p *parser) string() text {
	p.expect('"')
	t := make(text, p.length())
	for i := range t {
		letter := p.next()
		if letter == '\\' {
			letter = unescape(p.next())
		}
		t[i] = letter
	}
	p.expect('"')
	return t
}

func (p *parser) atDigit() bool {
	return p.text[p.at] >= '0' && p.text[p.at] <= '9'
}

func (p *parser) digits(before int64) int64 {
	for p.atDigit() {
		before = before*10 + int64(p.next()-'0')
	}
	return before
}

func (p *parser) number() value {
	negative := p.accept('-')
	if !p.atDigit() {
		bench.Fail("%q in a number", p.text[p.at])
	}
	thousandths := p.digits(0)
	if p.accept('.') {
		thousandths = p.digits(thousandths)
	} else {
		thousandths *= 1000
	}
	if negative {
		thousandths = -thousandths
	}
	return &number{thousandths: thousandths}
}

func copyItems(items array, length int) array {
	fresh := make(array, length)
	copy(fresh, items)
	return fresh
}

// Items are gathered in an array that doubles, and copied to one of their number.
func (p *parser) array() value {
	p.expect('[')
	items, count := make(array, firstItems), 0
	for p.text[p.at] != ']' {
		if count > 0 {
			p.expect(',')
		}
		if count == len(items) {
			items = copyItems(items, 2*count)
		}
		items[count] = p.value()
		count++
	}
	p.expect(']')
	return copyItems(items, count)
}

func (p *parser) object() value {
	o := &object{}
	var last *pair
	p.expect('{')
	for p.text[p.at] != '}' {
		if last != nil {
			p.expect(',')
		}
		name := p.string()
		p.expect(':')
		last = o.add(last, name, p.value())
	}
	p.expect('}')
	return o
}
