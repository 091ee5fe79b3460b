package hermetic

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"slices"
)

// entryVersion is part of every key: an entry of another is never found.
const entryVersion = 1

// errCorrupt is an entry that is not what was written.
var errCorrupt = errors.New("a damaged entry")

// An entry is the SHA-256 of all that follows: the length of a head in JSON, the head,
// and the bytes that it leaves out, in its order.

// head is an Answer without its bytes, and the key that it answers.
type head struct {
	Key    string
	Answer Answer
	Sizes  []int // of what was left out
}

func encode(key string, a *Answer) ([]byte, error) {
	h := head{Key: key, Answer: *a}
	h.Answer.Output = slices.Clone(a.Output)
	h.Answer.Layers = make([][]Change, len(a.Layers))
	for i, l := range a.Layers {
		h.Answer.Layers[i] = slices.Clone(l)
	}
	var body []byte
	h.Answer.eachBlob(func(blob *[]byte) bool {
		body = append(body, *blob...)
		h.Sizes = append(h.Sizes, len(*blob))
		*blob = nil
		return true
	})
	text, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	entry := make([]byte, sha256.Size, sha256.Size+4+len(text)+len(body))
	entry = binary.LittleEndian.AppendUint32(entry, uint32(len(text)))
	entry = append(append(entry, text...), body...)
	sum := sha256.Sum256(entry[sha256.Size:])
	copy(entry, sum[:])
	return entry, nil
}

// decode trusts the entry once its sum is right: it was written by encode then.
func decode(key string, entry []byte) (*Answer, error) {
	if len(entry) < sha256.Size+4 || sha256.Sum256(entry[sha256.Size:]) != [sha256.Size]byte(entry[:sha256.Size]) {
		return nil, errCorrupt
	}
	rest := entry[sha256.Size:]
	size := int(binary.LittleEndian.Uint32(rest))
	if rest = rest[4:]; size > len(rest) {
		return nil, errCorrupt
	}
	var h head
	if err := json.Unmarshal(rest[:size], &h); err != nil || h.Key != key {
		return nil, errCorrupt
	}
	rest = rest[size:]
	ok := h.Answer.eachBlob(func(blob *[]byte) bool {
		if len(h.Sizes) == 0 || h.Sizes[0] > len(rest) {
			return false
		}
		*blob, rest, h.Sizes = rest[:h.Sizes[0]:h.Sizes[0]], rest[h.Sizes[0]:], h.Sizes[1:]
		return true
	})
	if !ok || len(rest) > 0 {
		return nil, errCorrupt
	}
	return &h.Answer, nil
}

// eachBlob calls do with all bytes that a holds, until it returns false.
func (a *Answer) eachBlob(do func(*[]byte) bool) bool {
	for i := range a.Output {
		if !do(&a.Output[i].Data) {
			return false
		}
	}
	for _, l := range a.Layers {
		for i := range l {
			if !do(&l[i].Content) {
				return false
			}
		}
	}
	return true
}
