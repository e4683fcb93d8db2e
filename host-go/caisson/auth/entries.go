package auth

import (
	"context"
	"encoding/binary"
	"maps"
	"slices"
)

// What a [Store] of this package keeps at most. Beyond that, Save fails with a [*LimitError].
const (
	// MaxEntryBytes is how large one entry may be, in bytes.
	MaxEntryBytes = 256 << 10
	// MaxKeyBytes is how large one key may be, in bytes.
	MaxKeyBytes = 4 << 10
	// MaxEntries is how many entries there may be.
	MaxEntries = 4096
	// MaxStoreBytes is how large all entries and their keys may be together, in bytes.
	MaxStoreBytes = 16 << 20
)

const (
	whatKey     = "a key"
	whatEntry   = "an entry"
	whatStore   = "the store"
	whatEntries = "the number of entries"
)

// entries are what a store keeps, by their keys.
type entries map[string][]byte

// get gives a copy of an entry, and nil where there is none.
func (e entries) get(key string) []byte {
	entry, ok := e[key]
	if !ok {
		return nil
	}
	return append([]byte{}, entry...)
}

// put puts in a copy of an entry, if it fits.
func (e entries) put(key string, entry []byte) error {
	before, there := e[key]
	number, size := len(e), e.size()-len(before)+len(entry)
	if !there {
		number, size = number+1, size+framing(key)
	}
	for _, bound := range []LimitError{
		{whatKey, len(key), MaxKeyBytes},
		{whatEntry, len(entry), MaxEntryBytes},
		{whatEntries, number, MaxEntries},
		{whatStore, size, MaxStoreBytes},
	} {
		if bound.Size > bound.Limit {
			return &bound
		}
	}
	e[key] = append([]byte{}, entry...)
	return nil
}

func (e entries) keys() []string { return slices.Sorted(maps.Keys(e)) }

// lengths is how many bytes say how long a key and its entry are.
const lengths = 2 * 4

// framing is what an entry takes beside its own bytes.
func framing(key string) int { return lengths + len(key) }

// size is how large encode makes it.
func (e entries) size() (n int) {
	for key, entry := range e {
		n += framing(key) + len(entry)
	}
	return n
}

// encode writes the entries in the order of their keys, each as the length of the key, the length of the
// entry (32 bits, big end first), the key, and the entry.
func (e entries) encode() []byte {
	text := make([]byte, 0, e.size())
	for _, key := range e.keys() {
		text = binary.BigEndian.AppendUint32(text, uint32(len(key)))
		text = binary.BigEndian.AppendUint32(text, uint32(len(e[key])))
		text = append(text, key...)
		text = append(text, e[key]...)
	}
	return text
}

// decode reads what encode writes, and nothing else.
func decode(text []byte) (entries, error) {
	e := entries{}
	for last := ""; len(text) > 0; {
		if len(text) < lengths {
			return nil, errDamaged
		}
		ofKey, ofEntry := uint64(binary.BigEndian.Uint32(text)), uint64(binary.BigEndian.Uint32(text[4:]))
		text = text[lengths:]
		if ofKey+ofEntry > uint64(len(text)) {
			return nil, errDamaged
		}
		key, entry := string(text[:ofKey]), text[ofKey:ofKey+ofEntry]
		if len(e) > 0 && key <= last || len(key) > MaxKeyBytes || len(entry) > MaxEntryBytes || len(e) == MaxEntries {
			return nil, errDamaged
		}
		e[key], last, text = entry, key, text[ofKey+ofEntry:]
	}
	return e, nil
}

// ended gives why a context has ended.
func ended(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}
