package link

import (
	"strings"

	"github.com/caisson-dev/caisson/host-go/component/internal/binary"
	"github.com/caisson-dev/caisson/host-go/component/internal/types"
)

// namespace has the names of the imports, or of the exports, of one component, component type or instance
// type (Explainer.md, "Import and Export Definitions").
type namespace struct {
	what string // "import" or "export"
	seen map[string]string
	// resources are the names of the resource types. Annotated names refer to them.
	resources map[*types.Resource]string
	known     map[string]bool
}

func newNamespace(what string) *namespace {
	return &namespace{what, map[string]string{}, map[*types.Resource]string{}, map[string]bool{}}
}

// add checks a name against the type that has the name.
func (ns *namespace) add(offset int, n binary.Name, e *types.Extern) {
	name := n.Text
	kind, rest := annotation(name)
	switch kind {
	case "":
		if strings.Contains(name, ":") {
			checkInterface(offset, name)
		} else {
			checkLabel(offset, name)
		}
	case "constructor":
		checkLabel(offset, rest)
	case "method", "static":
		a, b, ok := strings.Cut(rest, ".")
		if !ok {
			fail(offset, "failed to find `.` character in `%s`", name)
		}
		checkLabel(offset, a)
		checkLabel(offset, b)
	default:
		fail(offset, "`%s` is not a valid extern name", name)
	}
	checkImplements(offset, n, e)
	key := uniqueKey(kind, rest, name)
	if old, dup := ns.seen[key]; dup {
		fail(offset, "%s name `%s` conflicts with previous name `%s`", ns.what, name, old)
	}
	ns.seen[key] = name
	if kind != "" {
		ns.annotated(offset, kind, rest, e)
	}
	if r, ok := e.Type.(*types.Resource); ok && e.Sort == binary.SortType && kind == "" {
		ns.resources[r] = name
		ns.known[name] = true
	}
}

// annotation splits "[kind]rest".
func annotation(name string) (kind, rest string) {
	if !strings.HasPrefix(name, "[") {
		return "", name
	}
	kind, rest, ok := strings.Cut(name[1:], "]")
	if !ok || kind == "" {
		return "?", name
	}
	return kind, rest
}

// uniqueKey returns equal keys for names that are not strongly unique.
func uniqueKey(kind, rest, name string) string {
	switch kind {
	case "constructor":
		return strings.ToLower(name)
	case "method", "static":
		a, b, _ := strings.Cut(strings.ToLower(rest), ".")
		if a == b {
			return a
		}
		return a + "." + b
	}
	return strings.ToLower(name)
}

// annotated checks the function that has a "[constructor]", "[method]" or "[static]" name.
func (ns *namespace) annotated(offset int, kind, rest string, e *types.Extern) {
	if e.Func == nil {
		fail(offset, "`[%s]%s` is not a func", kind, rest)
	}
	resource, _, _ := strings.Cut(rest, ".")
	switch kind {
	case "static":
		if !ns.known[resource] {
			fail(offset, "static resource name is not known in this context: `%s`", resource)
		}
	case "constructor":
		v := e.Func.Result
		if v == nil {
			fail(offset, "function should return one value")
		}
		if v.Kind == types.Result && v.OK != nil {
			v = v.OK
		}
		if v.Kind != types.Own {
			fail(offset, "function should return `(own $T)` or `(result (own $T))`")
		}
		ns.expect(offset, v.Resource, resource)
	case "method":
		if len(e.Func.Params) == 0 {
			fail(offset, "function should have at least one argument")
		}
		self := e.Func.Params[0]
		if self.Name != "self" {
			fail(offset, "function should have a first argument called `self`")
		}
		if self.Type.Kind != types.Borrow {
			fail(offset, "function should take a first argument of `(borrow $T)`")
		}
		ns.expect(offset, self.Type.Resource, resource)
	}
}

func (ns *namespace) expect(offset int, r *types.Resource, want string) {
	name, ok := ns.resources[r]
	if !ok {
		fail(offset, "resource used in function does not have a name in this context")
	}
	if name != want {
		fail(offset, "function does not match expected resource name `%s`: found `%s`", name, want)
	}
}

func checkImplements(offset int, n binary.Name, e *types.Extern) {
	if !n.HasImplements {
		return
	}
	if e.Sort != binary.SortInstance {
		fail(offset, "only instances can have an `implements`")
	}
	if strings.ContainsAny(n.Text, ":[") {
		fail(offset, "name `%s` is not valid with `implements`", n.Text)
	}
	if !strings.Contains(n.Implements, ":") {
		fail(offset, "`implements` value `%s` is not a valid name: it must be an interface", n.Implements)
	}
	checkInterface(offset, n.Implements)
}

// checkLabel checks a kebab-case label: each word has one case, and the first begins with a letter.
func checkLabel(offset int, label string) {
	if !isLabel(label) {
		fail(offset, "`%s` is not in kebab case, and is not a valid extern name", label)
	}
}

func isLabel(label string) bool {
	for i, word := range strings.Split(label, "-") {
		if word == "" || i == 0 && isDigit(word[0]) {
			return false
		}
		lower, upper := false, false
		for k := range len(word) {
			switch c := word[k]; {
			case c >= 'a' && c <= 'z':
				lower = true
			case c >= 'A' && c <= 'Z':
				upper = true
			case !isDigit(c):
				return false
			}
		}
		if lower && upper {
			return false
		}
	}
	return true
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// checkInterface checks namespace:package/interface@version.
func checkInterface(offset int, name string) {
	rest, version, versioned := strings.Cut(name, "@")
	ns, path, _ := strings.Cut(rest, ":")
	pkg, iface, ok := strings.Cut(path, "/")
	for _, part := range []string{ns, pkg} {
		checkLabel(offset, part)
		if strings.ToLower(part) != part {
			fail(offset, "`%s` is not a valid extern name: namespace and package are lower case", name)
		}
	}
	if !ok {
		fail(offset, "expected `/` after package name in `%s`", name)
	}
	if iface, rest, more := strings.Cut(iface, "/"); more {
		checkLabel(offset, iface)
		fail(offset, "trailing characters found: `/%s`", rest)
	}
	checkLabel(offset, iface)
	if versioned && !isSemver(version) {
		fail(offset, "`%s` is not a valid extern name: `%s` is not a semantic version", name, version)
	}
}

// isSemver reports whether v is a version of semver.org.
func isSemver(v string) bool {
	v, build, hasBuild := strings.Cut(v, "+")
	v, pre, hasPre := strings.Cut(v, "-")
	nums := strings.Split(v, ".")
	if len(nums) != 3 {
		return false
	}
	for _, n := range nums {
		if !isNumber(n) {
			return false
		}
	}
	return (!hasPre || identifiers(pre, true)) && (!hasBuild || identifiers(build, false))
}

func isNumber(s string) bool {
	if s == "" || len(s) > 1 && s[0] == '0' {
		return false
	}
	return strings.Trim(s, "0123456789") == ""
}

func identifiers(s string, pre bool) bool {
	for _, id := range strings.Split(s, ".") {
		if id == "" {
			return false
		}
		numeric := true
		for k := range len(id) {
			c := id[k]
			if !isDigit(c) {
				numeric = false
			}
			if !isDigit(c) && c != '-' && (c|0x20 < 'a' || c|0x20 > 'z') {
				return false
			}
		}
		if pre && numeric && !isNumber(id) {
			return false
		}
	}
	return true
}

// checkLabels checks the labels of a record, variant, enum, flags or function.
func checkLabels(offset int, what string, labels []string) {
	seen := make(map[string]bool, len(labels))
	for _, label := range labels {
		if label == "" {
			fail(offset, "%s name cannot be empty", what)
		}
		if !isLabel(label) {
			fail(offset, "%s name `%s` is not in kebab case", what, label)
		}
		key := strings.ToLower(label)
		if seen[key] {
			fail(offset, "%s name `%s` conflicts with previous name", what, label)
		}
		seen[key] = true
	}
}
