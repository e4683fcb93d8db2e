package pool

// Has reports whether a principal has a session of an id here, also one that is being connected.
func (p *Pool) Has(principal, id string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.find(principal, id) != nil
}
