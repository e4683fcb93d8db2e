package memory

// maxWritten is how much of a memory may stay in place when it is rewound, in bytes of pages that were written: the
// next instance writes there again. What is more goes back to the system, all of it.
const maxWritten = 4 << 20

// Rewound are memories as they began. No Allocator has them.
type Rewound []*linear

// Rewind puts the memories back to how they began, and gives them up. shrink has the core runtime ask each memory
// for one more page: the memory answers with its first size. ok is false when a memory cannot be rewound; then they
// are to be freed.
func (a *Allocator) Rewind(shrink func()) (r Rewound, ok bool) {
	for _, l := range a.all {
		if l.reserved == nil || l.copied {
			return nil, false
		}
		l.rewinding = true
	}
	shrink()
	for _, l := range a.all {
		if l.rewinding || !l.rewind() {
			return nil, false
		}
	}
	r, a.all = a.all, nil
	for _, l := range r {
		l.Allocator = nobody // The instance that has ended is not to stay alive.
	}
	return r, true
}

// Adopt takes over memories that were rewound, and charges the budget for them.
func (a *Allocator) Adopt(r Rewound) {
	a.all = r
	for _, l := range r {
		l.Allocator = a
		a.Budget.Charge(Cost+l.first, "memory")
	}
}

// nobody is the Allocator of memories that were rewound.
var nobody = &Allocator{Budget: noBudget{}}

type noBudget struct{}

func (noBudget) Charge(uint64, string) {}
func (noBudget) Take(uint64) bool      { return false }
func (noBudget) Give(uint64)           {}
func (noBudget) Left() uint64          { return 0 }
func (noBudget) Refused()              {}
