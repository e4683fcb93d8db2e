package auth

import (
	"bytes"
	"maps"
	"slices"
	"testing"
)

var someEntries = entries{"": []byte("x"), "a": {}, "b": []byte(`{"token":"t"}`), "ba": bytes.Repeat([]byte("long"), 100)}

func TestEntriesAreReadAsWritten(t *testing.T) {
	for _, want := range []entries{{}, someEntries} {
		text := want.encode()
		if len(text) != want.size() {
			t.Errorf("%d bytes, and size says %d", len(text), want.size())
		}
		got, err := decode(text)
		if err != nil || !maps.EqualFunc(got, want, bytes.Equal) {
			t.Errorf("%v (%v), want %v", got, err, want)
		}
	}
}

// What decode reads is what encode writes, and fits.
func FuzzDecode(f *testing.F) {
	f.Add(someEntries.encode())
	f.Add(entries{}.encode())
	f.Add([]byte{255, 255, 255, 255, 255, 255, 255, 255, 1})
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := decode(text)
		if err != nil {
			return
		}
		if !bytes.Equal(e.encode(), text) {
			t.Errorf("%q is read as %q, which is written otherwise", text, e)
		}
		fitting := entries{}
		for key, entry := range e {
			if err := fitting.put(key, entry); err != nil {
				t.Error(err)
			}
		}
	})
}

// Nothing but what was sealed with the key is opened.
func FuzzOpen(f *testing.F) {
	key := bytes.Repeat([]byte{7}, KeySize)
	sealed := seal(key, []byte("a text"))
	f.Add(sealed)
	f.Add(sealed[:headSize])
	f.Fuzz(func(t *testing.T, text []byte) {
		// A worker of the fuzzer seals with a nonce of its own.
		if opened, err := open(key, text); err == nil && string(opened) != "a text" {
			t.Errorf("%q is opened as %q", text, opened)
		}
	})
}

// A file that is as large as one may be is read.
func TestLargestFile(t *testing.T) {
	folder, err := privateFolder(t.TempDir() + "/store")
	if err != nil {
		t.Fatal(err)
	}
	key, err := FileKey{}.Key(t.Context(), folder, true)
	if err != nil {
		t.Fatal(err)
	}
	all, entry := entries{}, make([]byte, MaxEntryBytes)
	for n := byte(0); ; n++ {
		name := string([]byte{'k', n})
		if left := MaxStoreBytes - all.size() - framing(name); left < len(entry) {
			all[name] = entry[:left]
			break
		}
		all[name] = entry
	}
	sealed := seal(key, all.encode())
	if len(sealed) != maxSealed {
		t.Errorf("%d bytes, and the bound is %d", len(sealed), maxSealed)
	}
	if err := replacePrivate(folder+"/"+credentials, sealed); err != nil {
		t.Fatal(err)
	}
	store, err := OpenFileStore(FileStoreOptions{Folder: folder})
	if err != nil {
		t.Fatal(err)
	}
	if keys, err := store.Keys(t.Context()); err != nil || len(keys) != len(all) {
		t.Errorf("%d keys (%v)", len(keys), err)
	}
}

// A file is never twice the same, and the id of its key does not give away the key.
func TestSeal(t *testing.T) {
	key := NewKey()
	one, two := seal(key, []byte("a text")), seal(key, []byte("a text"))
	if bytes.Equal(one, two) {
		t.Error("the same nonce twice")
	}
	for _, secret := range [][]byte{key[:8], []byte("a text")} {
		if bytes.Contains(one, secret) {
			t.Errorf("%q is in the file", secret)
		}
	}
	if text, err := open(key, one); err != nil || string(text) != "a text" {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := open(NewKey(), one); err != errAnotherKey {
		t.Errorf("%v", err)
	}
	if slices.Equal(NewKey(), NewKey()) {
		t.Error("the same key twice")
	}
}
