package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/caisson-dev/caisson/host-go/bench/internal/scripting"
	"github.com/caisson-dev/caisson/host-go/bench/internal/wire"
)

// A service runs scripts behind gRPC: a stream for each, with JSON in protobuf's StringValue.
type service struct {
	command    *exec.Cmd
	in         io.Closer
	connection *grpc.ClientConn
	tools      *scripting.Tools
}

// openGRPC starts a service, which prints its port.
func openGRPC(command []string, tools *scripting.Tools) (scripting.Engine, error) {
	if len(command) == 0 {
		return nil, errors.New("no command is given")
	}
	s := &service{command: exec.Command(command[0], command[1:]...), tools: tools}
	s.command.Stderr = os.Stderr
	out, err := s.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if s.in, err = s.command.StdinPipe(); err != nil {
		return nil, err
	}
	if err := s.command.Start(); err != nil {
		return nil, err
	}
	port, err := bufio.NewReader(out).ReadString('\n')
	if err == nil {
		address := "127.0.0.1:" + strings.TrimSpace(port)
		s.connection, err = grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	}
	if err != nil {
		_ = s.command.Process.Kill()
		return nil, errors.Join(fmt.Errorf("the service did not start: %w", err), s.command.Wait())
	}
	return s, nil
}

func (s *service) Run(ctx context.Context, source wire.Source) ([]byte, time.Duration, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	both := &grpc.StreamDesc{StreamName: "run", ServerStreams: true, ClientStreams: true}
	opened, err := s.connection.NewStream(ctx, both, "/Scripts/run")
	if err != nil {
		return nil, 0, err
	}
	return converse(ctx, stream{opened}, source.Text, s.tools)
}

func (s *service) Helpers() []int { return []int{s.command.Process.Pid} }

func (s *service) Close() error {
	return errors.Join(s.connection.Close(), s.in.Close(), s.command.Wait())
}

type stream struct{ grpc.ClientStream }

func (s stream) send(m message) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return s.SendMsg(wrapperspb.String(string(text)))
}

func (s stream) receive() (m message, err error) {
	var text wrapperspb.StringValue
	if err := s.RecvMsg(&text); err != nil {
		return m, err
	}
	return m, json.Unmarshal([]byte(text.GetValue()), &m)
}
