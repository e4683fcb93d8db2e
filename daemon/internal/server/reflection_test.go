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

// reflected asks one question of a version of reflection: a list, a symbol, or a file. The answer is what a list or the
// files have. The messages of all versions are those of version 1 on the wire.
func reflected(ctx context.Context, t *testing.T, conn *grpc.ClientConn, service string, request *reflectionv1.ServerReflectionRequest) (services []string, files [][]byte) {
	t.Helper()
	stream, err := conn.NewStream(ctx, &reflectionv1.ServerReflection_ServiceDesc.Streams[0], "/"+service+"/ServerReflectionInfo")
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.SendMsg(request); err != nil {
		t.Fatal(err)
	}
	answer := &reflectionv1.ServerReflectionResponse{}
	if err := stream.RecvMsg(answer); err != nil || answer.GetErrorResponse() != nil {
		t.Fatalf("%v: %v, %v", request, answer, err)
	}
	for _, service := range answer.GetListServicesResponse().GetService() {
		services = append(services, service.GetName())
	}
	return services, answer.GetFileDescriptorResponse().GetFileDescriptorProto()
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
	for version, service := range map[string]string{"v1": reflectionv1.ServerReflection_ServiceDesc.ServiceName, "v1alpha": reflectionv1alpha.ServerReflection_ServiceDesc.ServiceName} {
		t.Run(version, func(t *testing.T) {
			ask := func(request *reflectionv1.ServerReflectionRequest) (services []string, files [][]byte) {
				t.Helper()
				return reflected(ctx, t, conn, service, request)
			}
			listed, _ := ask(&reflectionv1.ServerReflectionRequest{MessageRequest: &reflectionv1.ServerReflectionRequest_ListServices{ListServices: "*"}})
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
				_, files := ask(&reflectionv1.ServerReflectionRequest{MessageRequest: &reflectionv1.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: service}})
				for missing := add(files); len(missing) > 0; {
					name := missing[0]
					missing = missing[1:]
					if described[name] == nil {
						_, files := ask(&reflectionv1.ServerReflectionRequest{MessageRequest: &reflectionv1.ServerReflectionRequest_FileByFilename{FileByFilename: name}})
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
