//lint:file-ignore SA1019 Older programs speak version 1alpha of reflection.

package server

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/grpchealth"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	reflectionv1alpha "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
)

// A reflection asks one question: a list, a symbol, or a file. The answer is what a list or the files have.
type reflection func(t *testing.T, list, symbol, file string) (services []string, files [][]byte)

// newest asks in version 1.
func newest(ctx context.Context, conn *grpc.ClientConn) reflection {
	return func(t *testing.T, list, symbol, file string) (services []string, files [][]byte) {
		t.Helper()
		request := &reflectionv1.ServerReflectionRequest{MessageRequest: &reflectionv1.ServerReflectionRequest_ListServices{ListServices: list}}
		switch {
		case symbol != "":
			request.MessageRequest = &reflectionv1.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: symbol}
		case file != "":
			request.MessageRequest = &reflectionv1.ServerReflectionRequest_FileByFilename{FileByFilename: file}
		}
		stream, err := reflectionv1.NewServerReflectionClient(conn).ServerReflectionInfo(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if err := stream.Send(request); err != nil {
			t.Fatal(err)
		}
		answer, err := stream.Recv()
		if err != nil || answer.GetErrorResponse() != nil {
			t.Fatalf("%v: %v, %v", request, answer, err)
		}
		for _, service := range answer.GetListServicesResponse().GetService() {
			services = append(services, service.GetName())
		}
		return services, answer.GetFileDescriptorResponse().GetFileDescriptorProto()
	}
}

// older asks in version 1alpha. Its messages are those of version 1 on the wire.
func older(ctx context.Context, conn *grpc.ClientConn) reflection {
	return func(t *testing.T, list, symbol, file string) (services []string, files [][]byte) {
		t.Helper()
		request := &reflectionv1alpha.ServerReflectionRequest{MessageRequest: &reflectionv1alpha.ServerReflectionRequest_ListServices{ListServices: list}}
		switch {
		case symbol != "":
			request.MessageRequest = &reflectionv1alpha.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: symbol}
		case file != "":
			request.MessageRequest = &reflectionv1alpha.ServerReflectionRequest_FileByFilename{FileByFilename: file}
		}
		stream, err := reflectionv1alpha.NewServerReflectionClient(conn).ServerReflectionInfo(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if err := stream.Send(request); err != nil {
			t.Fatal(err)
		}
		answer, err := stream.Recv()
		if err != nil || answer.GetErrorResponse() != nil {
			t.Fatalf("%v: %v, %v", request, answer, err)
		}
		for _, service := range answer.GetListServicesResponse().GetService() {
			services = append(services, service.GetName())
		}
		return services, answer.GetFileDescriptorResponse().GetFileDescriptorProto()
	}
}

// TestReflection asks by grpc-go, in both versions, which services there are, and makes the descriptor of each of what the
// daemon answers alone: they are those of the proto.
func TestReflection(t *testing.T) {
	d := start(t, "")
	conn, err := grpc.NewClient(strings.TrimPrefix(d.url, "http://"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+d.token("alice"))
	want := []string{grpchealth.HealthV1ServiceName}
	ours := map[string]protoreflect.FileDescriptor{}
	for _, file := range []protoreflect.FileDescriptor{
		caissonv1.File_caisson_v1_admin_proto, caissonv1.File_caisson_v1_error_proto, caissonv1.File_caisson_v1_mcp_proto, caissonv1.File_caisson_v1_script_proto,
	} {
		ours[file.Path()] = file
		for i := range file.Services().Len() {
			want = append(want, string(file.Services().Get(i).FullName()))
		}
	}
	slices.Sort(want)
	for version, ask := range map[string]reflection{"v1": newest(ctx, conn), "v1alpha": older(ctx, conn)} {
		t.Run(version, func(t *testing.T) {
			listed, _ := ask(t, "*", "", "")
			slices.Sort(listed)
			if !slices.Equal(listed, want) {
				t.Fatalf("the services are %q, and not %q", listed, want)
			}
			described := map[string]*descriptorpb.FileDescriptorProto{}
			add := func(files [][]byte) (missing []string) {
				for _, text := range files {
					file := &descriptorpb.FileDescriptorProto{}
					if err := proto.Unmarshal(text, file); err != nil {
						t.Fatal(err)
					}
					described[file.GetName()] = file
					missing = append(missing, file.GetDependency()...)
				}
				return missing
			}
			for _, service := range listed {
				_, files := ask(t, "", service, "")
				for missing := add(files); len(missing) > 0; {
					name := missing[0]
					missing = missing[1:]
					if described[name] == nil {
						_, files := ask(t, "", "", name)
						missing = append(missing, add(files)...)
					}
				}
			}
			whole, err := protodesc.NewFiles(&descriptorpb.FileDescriptorSet{File: slices.Collect(maps.Values(described))})
			if err != nil {
				t.Fatalf("the answers do not describe themselves: %v", err)
			}
			for _, service := range listed {
				of, err := whole.FindDescriptorByName(protoreflect.FullName(service))
				if err != nil {
					t.Errorf("%s is listed, and not described: %v", service, err)
				} else if is, ok := of.(protoreflect.ServiceDescriptor); !ok || is.Methods().Len() == 0 {
					t.Errorf("%s is %v", service, of)
				}
			}
			for path, file := range ours {
				if !proto.Equal(described[path], protodesc.ToFileDescriptorProto(file)) {
					t.Errorf("%s is described otherwise than it is: %v", path, described[path])
				}
			}
		})
	}
}
