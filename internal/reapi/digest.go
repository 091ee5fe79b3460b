package reapi

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"strconv"
	"strings"
)

// Digest is the API's name for a sequence of bytes: its SHA-256 and its length. It is
// written "hash/size", as in the names of blobs there.
type Digest struct {
	Hash [sha256.Size]byte
	Size int64
}

// Sum returns the digest of b.
func Sum(b []byte) Digest { return Digest{sha256.Sum256(b), int64(len(b))} }

// Hasher computes the digest of what is written to it. Make one with NewHasher.
type Hasher struct {
	hash hash.Hash
	size int64
}

func NewHasher() *Hasher { return &Hasher{hash: sha256.New()} }

// Write never fails.
func (h *Hasher) Write(p []byte) (int, error) {
	h.size += int64(len(p))
	return h.hash.Write(p)
}

// Sum is the digest of what was written so far.
func (h *Hasher) Sum() Digest { return Digest{[sha256.Size]byte(h.hash.Sum(nil)), h.size} }

func sumReader(r io.Reader) (Digest, error) {
	h := NewHasher()
	_, err := io.Copy(h, r)
	return h.Sum(), err
}

func (d Digest) String() string { return fmt.Sprintf("%x/%d", d.Hash, d.Size) }

// MarshalText implements encoding.TextMarshaler.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Digest) UnmarshalText(text []byte) error {
	digits, size, ok := strings.Cut(string(text), "/")
	sum, err := hex.DecodeString(digits)
	if !ok || err != nil || len(sum) != sha256.Size {
		return fmt.Errorf("%q is not a digest, which is written hash/size", text)
	}
	n, err := strconv.ParseInt(size, 10, 64)
	if err != nil || n < 0 {
		return fmt.Errorf("%q is not a digest, which is written hash/size", text)
	}
	*d = Digest{[sha256.Size]byte(sum), n}
	return nil
}

func (d Digest) message() message {
	var m message
	m.text(1, hex.EncodeToString(d.Hash[:]))
	m.number(2, uint64(d.Size))
	return m
}
