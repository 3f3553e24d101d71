package protocol

// tagReader reads the tagged fields of one structure (KIP-482): a count, then tag,
// size and data of each, in ascending order of tags.
type tagReader struct {
	rest []byte
	left uint32
	tag  uint32
	data []byte
	some bool // a tag was read before
	err  error
}

var (
	errTagCount = ErrInvalidRequest.WithMessage("the number of tagged fields is missing or impossible")
	errTagOrder = ErrInvalidRequest.WithMessage("the tagged fields are not in ascending order")
	errTagData  = ErrInvalidRequest.WithMessage("a tagged field is cut off")
)

// openTags reads the count. A tagged field has two bytes at least, so that a
// count of millions is refused without a loop.
func openTags(b []byte) (tagReader, error) {
	count, n := readUvarint32(b)
	if n == 0 || int64(count) > int64(len(b)-n)/2 {
		return tagReader{}, errTagCount
	}
	return tagReader{rest: b[n:], left: count}, nil
}

// next reads a field into tag and data; false at the end and at an error.
func (t *tagReader) next() bool {
	if t.left == 0 || t.err != nil {
		return false
	}
	t.left--
	tag, n := readUvarint32(t.rest)
	if n == 0 {
		t.err = errTagData
		return false
	}
	if t.some && tag <= t.tag {
		t.err = errTagOrder
		return false
	}
	size, m := readUvarint32(t.rest[n:])
	if m == 0 || int64(size) > int64(len(t.rest)-n-m) {
		t.err = errTagData
		return false
	}
	t.some, t.tag = true, tag
	t.data = t.rest[n+m : n+m+int(size)]
	t.rest = t.rest[n+m+int(size):]
	return true
}

// skipTags passes over all tagged fields.
func skipTags(b []byte) (rest []byte, err error) {
	if len(b) > 0 && b[0] == 0 { // nearly always
		return b[1:], nil
	}
	t, err := openTags(b)
	if err != nil {
		return nil, err
	}
	for t.next() { //nolint:revive // only to the end
	}
	return t.rest, t.err
}
