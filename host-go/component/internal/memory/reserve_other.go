//go:build !unix || 386 || arm || mips || mipsle

package memory

// There is no address space to reserve: memories move as they grow.

func reserve(uint64) []byte { return nil }
func commit([]byte) error   { return nil }
func release([]byte)        {}
