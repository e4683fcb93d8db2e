//go:build !unix || 386 || arm || mips || mipsle

package memory

// This platform cannot reserve address space: memories move when they grow.

func reserve(uint64) []byte { return nil }
func commit([]byte) error   { return nil }
func release([]byte)        {}
