package wasm

import "slices"

// shellSection is the custom section of a shell that says which module it is of.
const shellSection = "shell-of"

// Shell returns a module like b whose functions only trap, and ok is whether b has functions. The hash of b is in
// it, so that two modules never have one shell. The core runtime needs the code of a module to compile it, and
// validates all of it; with compiled code at hand a shell says everything else about the module.
func Shell(b []byte, hash string) (shell []byte, ok bool, err error) {
	defer catch(&err)
	shell = slices.Clone(b[:min(8, len(b))])
	for _, sec := range sections(b) {
		if sec.id != secCode {
			shell = append(shell, b[sec.header:sec.end]...)
			continue
		}
		r := &reader{b, sec.start, sec.end}
		n := r.count()
		ok = n > 0
		bodies := make([]byte, 0, 4*n)
		for range n {
			bodies = appendBody(bodies, []byte{opUnreachable, opEnd})
		}
		shell = appendVecSection(shell, secCode, uint32(n), bodies)
	}
	return appendSection(shell, secCustom, append(appendName(nil, shellSection), hash...)), ok, nil
}
