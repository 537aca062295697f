package main

import "lull/peers/bench"

const (
	leastValues     = 40 // in a document, about
	mostValues      = 160
	mostMembers     = 12
	mostItems       = 16
	mostLevels      = 6
	mostName        = 16
	mostString      = 200
	attachmentOnce  = 100
	leastAttachment = 4 << 10
	mostAttachment  = 28 << 10
	seed            = 1

	plain   = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ."
	special = "\"\\\n\t"
)

// A maker makes a document from random numbers.
type maker struct {
	random bench.Random
	left   uint32 // values that may still be made, about
}

// makeDocument makes the document of that number: members are added until there are enough values.
func makeDocument(number uint64) value {
	m := maker{random: bench.NewRandom(seed, number)}
	m.left = m.between(leastValues, mostValues)
	document := &object{}
	var last *pair
	for m.left > 0 {
		name := m.name()
		last = document.add(last, name, m.object(mostLevels))
	}
	if m.random.Once(attachmentOnce) {
		name := m.text(mostName)
		document.add(last, name, m.text(m.between(leastAttachment, mostAttachment)))
	}
	return document
}

func (m *maker) between(least, most uint32) uint32 {
	return least + m.random.Below(most-least+1)
}

func (m *maker) name() text {
	return m.text(m.between(1, mostName))
}

// Letters, digits and blanks; in one of four texts a byte that is written with a backslash.
func (m *maker) text(length uint32) text {
	t := make(text, length)
	letters := uint64(0)
	for i := range t {
		if i%8 == 0 {
			letters = m.random.Next()
		}
		t[i] = plain[letters&63]
		letters >>= 8
	}
	if m.random.Once(4) {
		letter := special[m.between(0, 3)]
		t[m.between(0, length-1)] = letter
	}
	return t
}

// 1 to 200 bytes, short ones more often.
func (m *maker) string() value {
	one, two := m.between(1, mostString), m.between(1, mostString)
	if two < one {
		one = two
	}
	return m.text(one)
}

// Half of them integers, small and large.
func (m *maker) number() value {
	thousandths := int64(m.random.Next())
	thousandths >>= m.between(20, 60)
	if m.random.Once(2) {
		thousandths -= thousandths % 1000
	}
	return &number{thousandths: thousandths}
}

func (m *maker) array(levels int) value {
	items := make(array, m.between(0, mostItems))
	for i := range items {
		items[i] = m.value(levels)
	}
	return items
}

func (m *maker) object(levels int) value {
	o := &object{}
	var last *pair
	for members := m.between(1, mostMembers); members > 0; members-- {
		name := m.name()
		last = o.add(last, name, m.value(levels))
	}
	return o
}

// The deeper, and the fewer values are left, the more likely a value without further ones.
func (m *maker) value(levels int) value {
	choice := m.between(0, 9)
	if m.left > 0 {
		m.left--
	}
	switch {
	case levels > 0 && m.left > 0 && choice < 2:
		return m.object(levels - 1)
	case levels > 0 && m.left > 0 && choice < 4:
		return m.array(levels - 1)
	case choice%2 != 0:
		return m.string()
	}
	return m.number()
}
