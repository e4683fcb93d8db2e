package main

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// A grpcCarrier carries JSON in protobuf's StringValue, so that there is nothing to generate.
type grpcCarrier struct {
	*worker
	connection *grpc.ClientConn
}

func openGRPC(python, folder string) (invoker, error) {
	w, port, err := startWorker(python, folder, "serve_grpc.py")
	if err != nil {
		return nil, err
	}
	connection, err := grpc.NewClient(
		"127.0.0.1:"+port,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(64<<20)),
	)
	if err != nil {
		return nil, err
	}
	return &grpcCarrier{w, connection}, nil
}

func (g *grpcCarrier) call(ctx context.Context, method string, params []byte) ([]byte, error) {
	var result wrapperspb.StringValue
	err := g.connection.Invoke(ctx, "/Bridge/"+method, wrapperspb.String(string(params)), &result)
	return []byte(result.GetValue()), err
}

func (g *grpcCarrier) Close() error {
	_ = g.connection.Close()
	return g.worker.Close()
}
