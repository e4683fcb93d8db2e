package server

import "time"

// linger has the daemon serve on for a time after its health has said that it ends: whoever balances has to see it
// before the port is closed. Somebody who has the daemon drain ends it, and so does a listener that fails.
func (s *Server) linger(failed <-chan error) error {
	s.mu.Lock()
	delay := time.Duration(s.file.DrainDelay)
	s.mu.Unlock()
	if delay <= 0 {
		return nil
	}
	s.log.Info("the health says that the daemon ends; it goes on for a time", "time", delay)
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.draining:
	case err := <-failed:
		return err
	}
	return nil
}
