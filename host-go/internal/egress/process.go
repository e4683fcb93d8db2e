package egress

import (
	"os"
	"os/exec"
	"time"
)

// process is a command that runs, the leader of a group of processes of its own.
type process struct {
	cmd    *exec.Cmd
	group  group
	stdin  *os.File
	stdout *output
	stderr *output
	exited chan struct{} // closed when the command has ended; the rest of its group may live
}

// startProcess starts a command with a pipe at each of its standard streams.
func startProcess(c *Command) (*process, error) {
	path, err := lookPath(c)
	if err != nil {
		return nil, err
	}
	if c.Dir != "" { // the system's error would not tell it from a program that is missing
		if _, err := os.Stat(c.Dir); err != nil {
			return nil, err
		}
	}
	argv := append([]string{c.Path}, c.Args...)
	if c.Confinement != nil {
		if path, argv, err = c.Confinement.Command(path, argv); err != nil {
			return nil, err
		}
	}
	cmd := &exec.Cmd{Path: path, Args: argv, Env: c.Env, Dir: c.Dir}
	setGroup(cmd)

	var files [6]*os.File // a reading and a writing end each
	for i := 0; i < len(files); i += 2 {
		if files[i], files[i+1], err = os.Pipe(); err != nil {
			closeAll(files[:i])
			return nil, err
		}
	}
	theirs := []*os.File{files[0], files[3], files[5]}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = theirs[0], theirs[1], theirs[2]
	err = cmd.Start()
	closeAll(theirs)
	if err != nil {
		closeAll([]*os.File{files[1], files[2], files[4]})
		return nil, err
	}
	p := &process{
		cmd:    cmd,
		group:  newGroup(cmd.Process),
		stdin:  files[1],
		stdout: &output{file: files[2]},
		stderr: &output{file: files[4]},
		exited: make(chan struct{}),
	}
	go func() {
		awaitExit(cmd)
		close(p.exited)
	}()
	return p, nil
}

func closeAll(files []*os.File) {
	for _, file := range files {
		file.Close()
	}
}

// end makes a command end that has not ended by itself: its standard input is closed already. It
// reports whether a signal was needed.
func (p *process) end(closeWait, termWait time.Duration) (forced bool) {
	if within(p.exited, closeWait) {
		return false
	}
	p.group.terminate()
	if !within(p.exited, termWait) {
		p.group.kill()
		<-p.exited
	}
	return true
}

// cleanUp ends what a command that has ended left behind, and returns how it ended. drained is
// closed when its output is read.
func (p *process) cleanUp(drained <-chan struct{}) *os.ProcessState {
	within(drained, grace)
	p.group.kill()
	p.stdout.expire()
	p.stderr.expire()
	reap(p.cmd)
	p.group.release()
	p.stdin.Close() // a write that waits ends here
	<-drained
	p.stdout.file.Close()
	p.stderr.file.Close()
	return p.cmd.ProcessState
}

// within waits for done, and reports whether it came in time.
func within(done <-chan struct{}, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
	}
	select {
	case <-done: // at the same time
		return true
	default:
		return false
	}
}
