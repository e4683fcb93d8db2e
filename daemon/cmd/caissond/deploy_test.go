package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	nats "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"
	"go.yaml.in/yaml/v3"

	"github.com/caisson-dev/caisson/daemon/internal/config"
	"github.com/caisson-dev/caisson/daemon/internal/server"
)

const deploy = "../../../deploy"

// A value is a part of a document in YAML.
type value struct {
	t    *testing.T
	path string
	of   any
}

// at follows names, and numbers of lists.
func (v value) at(names ...string) value {
	v.t.Helper()
	for _, name := range names {
		next := value{t: v.t, path: v.path + "." + name}
		switch of := v.of.(type) {
		case map[string]any:
			next.of = of[name]
		case []any:
			if n, err := strconv.Atoi(name); err == nil && n < len(of) {
				next.of = of[n]
			}
		}
		if next.of == nil {
			v.t.Fatalf("%s is missing", next.path)
		}
		v = next
	}
	return v
}

func (v value) String() string { return fmt.Sprint(v.of) }

// is compares.
func (v value) is(want any) {
	v.t.Helper()
	if v.String() != fmt.Sprint(want) {
		v.t.Errorf("%s is %v, and the code has %v", v.path, v.of, want)
	}
}

// documents reads a file.
func documents(t *testing.T, name string) []value {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(deploy, name))
	if err != nil {
		t.Fatal(err)
	}
	var all []value
	for decoder := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var of map[string]any
		if err := decoder.Decode(&of); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all = append(all, value{t, name, of})
	}
}

// natsVersion is the version of the NATS server that is linked, and tested with.
func natsVersion(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../go.mod")
	found := regexp.MustCompile(`nats-server/v2 v(\S+)`).FindSubmatch(text)
	if err != nil || found == nil {
		t.Fatalf("go.mod has no NATS server: %v", err)
	}
	return string(found[1])
}

// natsConf reads the configuration of NATS as NATS does.
func natsConf(t *testing.T) *nats.Options {
	t.Helper()
	folder := t.TempDir()
	pair, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	public, _ := pair.PublicKey()
	text, err := os.ReadFile(filepath.Join(deploy, "kubernetes", "nats.conf"))
	err = errors.Join(err, os.Mkdir(filepath.Join(folder, "secrets"), 0o700),
		os.WriteFile(filepath.Join(folder, "nats.conf"), text, 0o600),
		os.WriteFile(filepath.Join(folder, "secrets", "users.conf"), []byte("authorization { users: [{ nkey: "+public+" }] }\n"), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("POD_NAME", "nats-0")
	options, err := nats.ProcessConfigFile(filepath.Join(folder, "nats.conf"))
	if err != nil {
		t.Fatal(err)
	}
	return options
}

// TestKubernetes compares the manifests with the code, and with each other.
func TestKubernetes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the paths of the manifests are not absolute on this system")
	}
	objects := map[string]value{} // by kind and name
	kustomization := documents(t, "kubernetes/kustomization.yaml")[0]
	for _, name := range kustomization.at("resources").of.([]any) {
		for _, d := range documents(t, "kubernetes/"+name.(string)) {
			objects[d.at("kind").String()+" "+d.at("metadata", "name").String()] = d
		}
	}
	object := func(name string) value {
		t.Helper()
		if _, ok := objects[name]; !ok {
			t.Fatalf("there is no %s", name)
		}
		return objects[name]
	}
	text, err := os.ReadFile(filepath.Join(deploy, "kubernetes", "caisson.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	file, err := config.Parse("/etc/caisson/caisson.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	deployment := object("Deployment caissond").at("spec", "template", "spec")
	container := deployment.at("containers", "0")

	// The ports, and where the probes look.
	_, listen, _ := net.SplitHostPort(file.Listen[0])
	_, metrics, _ := net.SplitHostPort(file.Metrics)
	container.at("ports", "0", "name").is("grpc")
	container.at("ports", "0", "containerPort").is(listen)
	container.at("ports", "1", "containerPort").is(metrics)
	object("Deployment caissond").at("spec", "template", "metadata", "annotations", "prometheus.io/port").is(metrics)
	for _, name := range []string{"caissond", "caissond-nodes"} {
		object("Service "+name).at("spec", "ports", "0", "targetPort").is("grpc")
		object("Service "+name).at("spec", "ports", "0", "port").is(listen)
	}
	if file.Access.TLS == nil {
		t.Error("the probes speak TLS, and the daemon does not")
	}
	for _, probe := range []string{"startupProbe", "readinessProbe"} {
		container.at(probe, "httpGet", "path").is("/health")
		container.at(probe, "httpGet", "scheme").is("HTTPS")
	}
	grace, _ := strconv.Atoi(deployment.at("terminationGracePeriodSeconds").String())
	if need := time.Duration(file.DrainDelay) + time.Duration(file.DrainTimeout); time.Duration(grace)*time.Second <= need {
		t.Errorf("Kubernetes waits %d s for the end, and the daemon may take %v", grace, need)
	}

	// The flags.
	args := []string{}
	for _, arg := range container.at("args").of.([]any) {
		args = append(args, arg.(string))
	}
	c := command()
	if err := c.ParseFlags(args); err != nil {
		t.Errorf("the arguments: %v", err)
	}
	if path := c.Flag("config").Value.String(); path != file.Path {
		t.Errorf("the configuration is read at %s", path)
	}

	// Files of the configuration are in a folder of the Secret, and the ConfigMaps are made.
	mounts, made := map[string]string{}, []string{}
	for i := range container.at("volumeMounts").of.([]any) {
		mount := container.at("volumeMounts", strconv.Itoa(i))
		mounts[mount.at("name").String()] = mount.at("mountPath").String()
	}
	for i := range kustomization.at("configMapGenerator").of.([]any) {
		made = append(made, kustomization.at("configMapGenerator", strconv.Itoa(i), "name").String())
	}
	if mounts["config"] != filepath.Dir(file.Path) || !slices.Contains(made, deployment.at("volumes", "0", "configMap", "name").String()) {
		t.Errorf("the configuration is at %s", mounts["config"])
	}
	for _, path := range []string{file.Access.Tokens, file.Access.TLS.Certificate, file.Access.TLS.Key, file.NATS.Credentials, file.NATS.CredentialsKey} {
		if filepath.Dir(path) != mounts["secrets"] {
			t.Errorf("%s is not in the Secret, at %s", path, mounts["secrets"])
		}
	}

	// NATS: where the daemons look for it, its version, and its copies.
	servers := object("StatefulSet nats").at("spec")
	servers.at("template", "spec", "containers", "0", "image").is("nats:" + natsVersion(t))
	file.NATS.URL = strings.TrimPrefix(file.NATS.URL, "nats://")
	host, port, _ := net.SplitHostPort(file.NATS.URL)
	object("Service "+host).at("spec", "ports", "0", "port").is(port)
	servers.at("template", "spec", "containers", "0", "ports", "0", "containerPort").is(port)
	servers.at("replicas").is(file.NATS.Replicas)
	conf := natsConf(t)
	if fmt.Sprint(conf.Port) != port || !conf.JetStream || !conf.SyncAlways || len(conf.Nkeys) != 1 {
		t.Errorf("nats.conf has the port %d, JetStream %v, %d users", conf.Port, conf.JetStream, len(conf.Nkeys))
	}
	for i, route := range conf.Routes {
		if want := fmt.Sprintf("nats-%d.%s:%d", i, host, conf.Cluster.Port); route.Host != want || len(conf.Routes) != file.NATS.Replicas {
			t.Errorf("nats.conf has the route %s, and not %s", route.Host, want)
		}
	}

	// Each file is used, and each port that a probe, a service or a policy names is one of its container's.
	files, err := os.ReadDir(filepath.Join(deploy, "kubernetes"))
	if err != nil {
		t.Fatal(err)
	}
	used := kustomization.at("resources").String() + kustomization.at("configMapGenerator").String()
	for _, file := range files {
		if file.Name() != "kustomization.yaml" && !strings.Contains(used, file.Name()) {
			t.Errorf("kustomization.yaml does not name %s", file.Name())
		}
	}
	named := func(of value, names ...string) {
		t.Helper()
		ports := map[string]bool{}
		for i := range of.at("ports").of.([]any) {
			ports[of.at("ports", strconv.Itoa(i), "name").String()] = true
		}
		for _, name := range names {
			if !ports[name] {
				t.Errorf("%s has no port %s", of.path, name)
			}
		}
	}
	named(container, container.at("startupProbe", "httpGet", "port").String(), container.at("readinessProbe", "httpGet", "port").String(), container.at("livenessProbe", "tcpSocket", "port").String())
	member := servers.at("template", "spec", "containers", "0")
	for _, probe := range []string{"startupProbe", "readinessProbe", "livenessProbe"} {
		named(member, member.at(probe, "httpGet", "port").String())
	}
	member.at("ports", "1", "containerPort").is(conf.Cluster.Port)
	member.at("ports", "2", "containerPort").is(conf.HTTPPort)
	ingress := object("NetworkPolicy nats").at("spec", "ingress")
	for i, port := range []string{"0", "1"} {
		name := object("Service nats").at("spec", "ports", port, "targetPort").String()
		ingress.at(port, "ports", "0", "port").is(name)
		named(member, name)
		object("Service nats").at("spec", "ports", port, "port").is(member.at("ports", strconv.Itoa(i), "containerPort"))
	}
	member.at("args").is([]string{"--config", member.at("volumeMounts", "0", "mountPath").String() + "/nats.conf"})

	// What selects pods selects these.
	for _, name := range []string{"caissond", "nats"} {
		kind := map[string]string{"caissond": "Deployment", "nats": "StatefulSet"}[name]
		labels := object(kind+" "+name).at("spec", "template", "metadata", "labels").String()
		object(kind+" "+name).at("spec", "selector", "matchLabels").is(labels)
		object("PodDisruptionBudget "+name).at("spec", "selector", "matchLabels").is(labels)
		object("Service "+name).at("spec", "selector").is(labels)
	}
	object("NetworkPolicy nats").at("spec", "ingress", "0", "from", "0", "podSelector", "matchLabels").is(object("Deployment caissond").at("spec", "selector", "matchLabels"))
	scaler := object("HorizontalPodAutoscaler caissond").at("spec")
	scaler.at("scaleTargetRef", "name").is("caissond")
	scaler.at("metrics", "0", "pods", "metric", "name").is(server.SessionsMetric)
	scaler.at("metrics", "1", "external", "metric", "name").is(server.QueuedMetric)

	// Who the program runs as is who the image is for.
	dockerfile, err := os.ReadFile(filepath.Join(deploy, "Dockerfile"))
	user := deployment.at("securityContext", "runAsUser").String()
	if err != nil || !strings.Contains(string(dockerfile), "USER "+user+":"+user+"\n") {
		t.Errorf("the image is not for the user %s: %v", user, err)
	}
}

// TestCompose compares the compose files with the code, and with each other.
func TestCompose(t *testing.T) {
	one, more := documents(t, "compose.yaml")[0], documents(t, "compose.nats.yaml")[0]
	_, port, _ := net.SplitHostPort(config.DefaultListen)
	for _, published := range []value{one.at("services", "caissond", "ports", "0"), more.at("services", "caissond", "ports", "0")} {
		if !strings.HasPrefix(published.String(), "127.0.0.1:"+port) || !strings.HasSuffix(published.String(), ":"+port) {
			t.Errorf("%s is %s", published.path, published)
		}
	}
	more.at("services", "nats", "image").is("nats:" + natsVersion(t))
	var flags []string
	for _, arg := range more.at("services", "nats", "command").of.([]any) {
		flags = append(flags, arg.(string))
	}
	options, err := nats.ConfigureOptions(flag.NewFlagSet("nats-server", flag.ContinueOnError), flags, nil, nil, nil)
	if err != nil || !options.JetStream || !strings.HasPrefix(more.at("services", "nats", "volumes", "0").String(), "nats:"+options.StoreDir) {
		t.Errorf("NATS is started with %q: %v", flags, err)
	}
	for _, name := range more.at("services", "caissond", "networks").of.([]any) {
		if name != "default" {
			more.at("networks", name.(string))
		}
	}
	text, err := os.ReadFile(filepath.Join(deploy, "compose.nats.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`(?m)^#   (nats: .*)$`).FindSubmatch(text)
	if named == nil {
		t.Fatal("compose.nats.yaml does not say what caisson.yaml needs")
	}
	file, err := config.Parse("/etc/caisson/caisson.yaml", named[1])
	if err != nil || file.NATS.URL != "nats://nats:4222" {
		t.Errorf("what it says that caisson.yaml needs: %v", err)
	}
}
