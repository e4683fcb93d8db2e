package rpc

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

// protoFolder has the sources of the services.
const protoFolder = "../../../proto"

// compiled are the files of a source, by their paths.
func compiled(t *testing.T, source protocompile.Resolver, paths ...string) map[string]protoreflect.FileDescriptor {
	t.Helper()
	files, err := (&protocompile.Compiler{Resolver: protocompile.WithStandardImports(source)}).Compile(context.Background(), paths...)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]protoreflect.FileDescriptor{}
	for _, file := range files {
		all[file.Path()] = file
	}
	return all
}

// ofFolder are the files of proto/.
func ofFolder(t *testing.T) map[string]protoreflect.FileDescriptor {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(protoFolder, "caisson", "*", "*.proto"))
	if err != nil || len(found) == 0 {
		t.Fatalf("%s has %v, %v", protoFolder, found, err)
	}
	for i, path := range found {
		if found[i], err = filepath.Rel(protoFolder, path); err != nil {
			t.Fatal(err)
		}
		found[i] = filepath.ToSlash(found[i])
	}
	return compiled(t, &protocompile.SourceResolver{ImportPaths: []string{protoFolder}}, found...)
}

// TestGenerated shows that the Go code is made of proto/ as it is: `make generate` would change nothing that a caller sees.
func TestGenerated(t *testing.T) {
	sources := ofFolder(t)
	for path, source := range sources {
		generated, err := protoregistry.GlobalFiles.FindFileByPath(path)
		if err != nil {
			t.Errorf("%s has no Go code: make generate", path)
		} else if !proto.Equal(protodesc.ToFileDescriptorProto(source), protodesc.ToFileDescriptorProto(generated)) {
			t.Errorf("the Go code of %s is made of another one: make generate", path)
		}
	}
	protoregistry.GlobalFiles.RangeFilesByPackage("caisson.v1", func(file protoreflect.FileDescriptor) bool {
		if sources[file.Path()] == nil {
			t.Errorf("there is Go code of %s, which is not there", file.Path())
		}
		return true
	})
}

// TestCompatible shows that programs which were made for the kept descriptor go on with proto/ as it is. `make lint` says the
// same by buf, which takes minutes to build.
func TestCompatible(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(protoFolder, "caisson.binpb"))
	if err != nil {
		t.Fatal(err)
	}
	set := &descriptorpb.FileDescriptorSet{}
	if err := proto.Unmarshal(text, set); err != nil {
		t.Fatal(err)
	}
	kept, err := protodesc.NewFiles(set)
	if err != nil {
		t.Fatal(err)
	}
	is, compared := ofFolder(t), 0
	kept.RangeFilesByPackage("caisson.v1", func(was protoreflect.FileDescriptor) bool {
		compared++
		for _, broken := range breaks(was, is[was.Path()]) {
			t.Error(broken)
		}
		return true
	})
	if compared == 0 {
		t.Error("the kept descriptor has no file")
	}
}

// breaks says what a program that was made for one state of a file misses in another one: what is gone from the file, and
// what is another thing on the wire, in JSON, or in generated code. What was added breaks nothing.
func breaks(was, is protoreflect.FileDescriptor) (all []string) {
	if is == nil {
		return []string{was.Path() + " is gone"}
	}
	before, after := parts(was), parts(is)
	for _, name := range slices.Sorted(maps.Keys(before)) {
		switch now, there := after[name]; {
		case !there:
			all = append(all, name+" is gone")
		case now != before[name]:
			all = append(all, fmt.Sprintf("%s was %q, and is %q", name, before[name], now))
		}
	}
	return all
}

// parts are all that a file declares, each with what a program knows of it.
func parts(file protoreflect.FileDescriptor) map[string]string {
	all := map[string]string{"the package": string(file.Package()), "the syntax": file.Syntax().String()}
	enums := func(of protoreflect.EnumDescriptors) {
		for i := range of.Len() {
			e := of.Get(i)
			all["enum "+string(e.FullName())] = ""
			for j := range e.Values().Len() {
				v := e.Values().Get(j)
				all[fmt.Sprintf("value %d of %s", v.Number(), e.FullName())] = string(v.Name())
			}
		}
	}
	var messages func(of protoreflect.MessageDescriptors)
	messages = func(of protoreflect.MessageDescriptors) {
		for i := range of.Len() {
			m := of.Get(i)
			all["message "+string(m.FullName())] = ""
			for j := range m.Fields().Len() {
				all[fmt.Sprintf("field %d of %s", m.Fields().Get(j).Number(), m.FullName())] = field(m.Fields().Get(j))
			}
			enums(m.Enums())
			messages(m.Messages())
		}
	}
	enums(file.Enums())
	messages(file.Messages())
	for i := range file.Services().Len() {
		s := file.Services().Get(i)
		all["service "+string(s.FullName())] = ""
		for j := range s.Methods().Len() {
			m := s.Methods().Get(j)
			all["method "+string(m.FullName())] = fmt.Sprintf("%s (stream %v) returns %s (stream %v)", m.Input().FullName(), m.IsStreamingClient(), m.Output().FullName(), m.IsStreamingServer())
		}
	}
	return all
}

// field is what a program knows of a field, but for its number.
func field(f protoreflect.FieldDescriptor) string {
	of := []string{string(f.Name()), f.JSONName(), f.Cardinality().String(), f.Kind().String(), fmt.Sprint("packed ", f.IsPacked())}
	if f.HasPresence() {
		of = append(of, "with presence")
	}
	if m := f.Message(); m != nil {
		of = append(of, string(m.FullName()))
	}
	if e := f.Enum(); e != nil {
		of = append(of, string(e.FullName()))
	}
	if o := f.ContainingOneof(); o != nil {
		of = append(of, "in "+string(o.Name()))
	}
	return strings.Join(of, " ")
}

// TestBreaks finds each sort of change that breaks a program, and takes those that break none.
func TestBreaks(t *testing.T) {
	const before = `syntax = "proto3";
package caisson.v1;
service S { rpc Call(A) returns (stream B); }
enum E { E_NONE = 0; E_ONE = 1; }
message A { string name = 1; repeated int32 counts = 2; E e = 3; oneof of { string x = 4; B b = 5; } map<string, int64> named = 6; message In { bytes text = 1; } In in = 7; optional bool sure = 8; }
message B {}
`
	made := func(text string) protoreflect.FileDescriptor {
		t.Helper()
		of := compiled(t, &protocompile.SourceResolver{Accessor: protocompile.SourceAccessorFromMap(map[string]string{"a.proto": text})}, "a.proto")
		return of["a.proto"]
	}
	was := made(before)
	for _, change := range []struct{ old, now, want string }{
		{"", "", ""},
		{"message B {}", "message B { string more = 1; } message C {} enum F { F_NONE = 0; }", ""},
		{"E_ONE = 1;", "E_ONE = 1; E_TWO = 2;", ""},
		{"(stream B);", "(stream B); rpc More(A) returns (B);", ""},
		{"string x = 4;", "string x = 4; string y = 9;", ""},
		{"string name = 1;", "", "field 1 of caisson.v1.A is gone"},
		{"string name = 1;", "reserved 1;", "field 1 of caisson.v1.A is gone"},
		{"string name = 1;", "string name = 9;", "field 1 of caisson.v1.A is gone"},
		{"string name", "string title", "field 1 of caisson.v1.A was"},
		{"string name", "bytes name", "field 1 of caisson.v1.A was"},
		{"string name", "optional string name", "field 1 of caisson.v1.A was"},
		{"string name = 1", "string name = 1 [json_name = 'title']", "field 1 of caisson.v1.A was"},
		{"repeated int32", "int32", "field 2 of caisson.v1.A was"},
		{"counts = 2", "counts = 2 [packed = false]", "field 2 of caisson.v1.A was"},
		{"E e = 3; oneof of {", "oneof of { E e = 3;", "field 3 of caisson.v1.A was"},
		{"B b = 5", "A b = 5", "field 5 of caisson.v1.A was"},
		{"map<string, int64>", "map<string, string>", "field 2 of caisson.v1.A.NamedEntry was"},
		{"bytes text = 1", "string text = 1", "field 1 of caisson.v1.A.In was"},
		{"E_ONE = 1;", "", "value 1 of caisson.v1.E is gone"},
		{"E_ONE = 1", "E_UN = 1", "value 1 of caisson.v1.E was"},
		{"rpc Call(A) returns (stream B);", "", "method caisson.v1.S.Call is gone"},
		{"stream B", "B", "method caisson.v1.S.Call was"},
		{"Call(A)", "Call(stream A)", "method caisson.v1.S.Call was"},
		{"Call(A)", "Call(B)", "method caisson.v1.S.Call was"},
		{"service S {", "service T {", "service caisson.v1.S is gone"},
		{"package caisson.v1;", "package caisson.v2;", "the package was"},
	} {
		got := strings.Join(breaks(was, made(strings.Replace(before, change.old, change.now, 1))), "\n")
		if (got == "") != (change.want == "") || !strings.Contains(got, change.want) {
			t.Errorf("%q for %q: %q, without %q", change.now, change.old, got, change.want)
		}
	}
	if got := breaks(was, nil); len(got) != 1 {
		t.Errorf("without the file: %q", got)
	}
}
