package typescript

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"
)

// conditions are those of package.json that hold here (Node.js, "Conditional exports"), beside `import` or
// `require`.
var conditions = map[string]bool{"module": true, "default": true}

const (
	// maxPackageJSON bounds a package.json, in bytes.
	maxPackageJSON = 1 << 20
	// maxConditions are conditions in conditions.
	maxConditions = 16
	// maxImports are the imports of all modules of a source together.
	maxImports = 20_000
)

// resolve finds the module that a specifier in a file of a folder names. It goes Node.js's way ("Modules:
// ECMAScript modules", "Resolution algorithm"), and takes what is a file of TypeScript too.
func (m *modules) resolve(specifier, dir string, isRequire bool) (string, error) {
	if m.imports.Add(1) > maxImports {
		return "", fmt.Errorf("there are more than %d imports", maxImports)
	}
	if err := m.ctx.Err(); err != nil {
		return "", err
	}
	switch {
	case m.options.Files == nil:
		return "", fmt.Errorf("the source cannot import %q: it has no files (Options.Files)", specifier)
	case specifier == "" || strings.ContainsAny(specifier, "\x00\\"):
		return "", fmt.Errorf("%q names no module", specifier)
	case strings.HasPrefix(specifier, "/"):
		return "", fmt.Errorf("%q is an absolute path: import by a relative one", specifier)
	case specifier == "." || specifier == ".." || strings.HasPrefix(specifier, "./") || strings.HasPrefix(specifier, "../"):
		name := path.Join(dir, specifier)
		if name == ".." || strings.HasPrefix(name, "../") {
			return "", fmt.Errorf("%q leads out of the files", specifier)
		}
		if found, ok := m.file(name); ok {
			return found, nil
		}
		return "", fmt.Errorf("there is no module %q: %s is no file", specifier, name)
	case strings.HasPrefix(specifier, "#"):
		return m.internal(specifier, dir, isRequire)
	case strings.Contains(strings.SplitN(specifier, "/", 2)[0], ":"):
		return "", fmt.Errorf("a script cannot import %q: it has no network, and none of Node.js's modules", specifier)
	}
	return m.inPackages(specifier, dir, isRequire)
}

// extensions are tried for a path that is no file.
var extensions = []string{".ts", ".mts", ".js", ".mjs", ".cjs", ".cts", ".json"}

// file finds a file by its path, with or without its extension, or the index of a folder.
func (m *modules) file(name string) (string, bool) {
	if m.isFile(name) {
		return name, true
	}
	candidates := make([]string, 0, 2*len(extensions)+1)
	// TypeScript's sources import each other by the names of what they are compiled to.
	if ext := path.Ext(name); ext == ".js" || ext == ".mjs" || ext == ".cjs" {
		candidates = append(candidates, strings.TrimSuffix(name, ext)+strings.Replace(ext, "js", "ts", 1))
	}
	for _, ext := range extensions {
		candidates = append(candidates, name+ext)
	}
	for _, ext := range extensions {
		candidates = append(candidates, path.Join(name, "index"+ext))
	}
	for _, candidate := range candidates {
		if m.isFile(candidate) {
			return candidate, true
		}
	}
	return "", false
}

// inPackages finds a module of a package in a folder node_modules, beside the importing file or above.
func (m *modules) inPackages(specifier, dir string, isRequire bool) (string, error) {
	name, rest, _ := strings.Cut(specifier, "/")
	if strings.HasPrefix(name, "@") {
		scoped, after, _ := strings.Cut(rest, "/")
		name, rest = name+"/"+scoped, after
	}
	if name == "." || name == ".." || strings.HasPrefix(name, ".") || strings.HasSuffix(name, "/") || path.Clean(specifier) != specifier {
		return "", fmt.Errorf("%q names no package", specifier)
	}
	for {
		folder := path.Join(dir, "node_modules", name)
		if p, err := m.packageJSON(folder); err == nil {
			return m.ofPackage(p, folder, specifier, rest, isRequire)
		} else if !errors.Is(err, errNoPackage) {
			return "", err
		}
		if found, ok := m.file(path.Join(folder, rest)); ok {
			return found, nil
		}
		if dir == "." || dir == "/" {
			return "", fmt.Errorf("there is no package %q in a folder node_modules: install it into the files; Node.js's own modules are not there", name)
		}
		dir = path.Dir(dir)
	}
}

// A packageJSON is what a package says of its modules.
type packageJSON struct {
	Main    string          `json:"main"`
	Module  string          `json:"module"`
	Exports json.RawMessage `json:"exports"`
	Imports json.RawMessage `json:"imports"`
}

var errNoPackage = errors.New("no package.json")

// packageJSON reads the package.json of a folder, once.
func (m *modules) packageJSON(folder string) (*packageJSON, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	known, ok := m.packages[folder]
	if !ok {
		known.json, known.err = m.readPackageJSON(folder)
		m.packages[folder] = known
	}
	return known.json, known.err
}

func (m *modules) readPackageJSON(folder string) (*packageJSON, error) {
	name := path.Join(folder, "package.json")
	if !m.isFile(name) {
		return nil, errNoPackage
	}
	text, err := m.read(name, maxPackageJSON)
	if err != nil {
		return nil, err
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &members); err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", name, err)
	}
	p := &packageJSON{Exports: members["exports"], Imports: members["imports"]}
	_ = json.Unmarshal(members["main"], &p.Main)
	_ = json.Unmarshal(members["module"], &p.Module)
	return p, nil
}

// ofPackage finds a module of a package.
func (m *modules) ofPackage(p *packageJSON, folder, specifier, rest string, isRequire bool) (string, error) {
	if len(p.Exports) > 0 && string(p.Exports) != "null" {
		key := "."
		if rest != "" {
			key = "./" + rest
		}
		if target, ok := match(p.Exports, key, isRequire); ok {
			return m.target(target, folder, specifier)
		}
		return "", fmt.Errorf("the package in %s does not export %q", folder, key)
	}
	names := []string{rest}
	if rest == "" {
		names = []string{p.Module, p.Main, "index"}
		if isRequire {
			names = []string{p.Main, "index"}
		}
	}
	for _, name := range names {
		inside := path.Join(folder, name)
		if name == "" || inside != folder && !strings.HasPrefix(inside, folder+"/") {
			continue
		}
		if found, ok := m.file(inside); ok {
			return found, nil
		}
	}
	return "", fmt.Errorf("there is no module %q in %s", specifier, folder)
}

// internal finds a module by a name that its own package has for it ("Subpath imports").
func (m *modules) internal(specifier, dir string, isRequire bool) (string, error) {
	for {
		if p, err := m.packageJSON(dir); err == nil {
			target, ok := match(p.Imports, specifier, isRequire)
			if !ok {
				return "", fmt.Errorf("the package in %s does not import %q", dir, specifier)
			}
			if !strings.HasPrefix(target, "./") {
				return m.inPackages(target, dir, isRequire)
			}
			return m.target(target, dir, specifier)
		} else if !errors.Is(err, errNoPackage) {
			return "", err
		}
		if dir == "." || dir == "/" {
			return "", fmt.Errorf("%q is in no package", specifier)
		}
		dir = path.Dir(dir)
	}
}

// target finds the file that package.json names, which is in the folder of the package.
func (m *modules) target(target, folder, specifier string) (string, error) {
	name := path.Join(folder, target)
	if !strings.HasPrefix(target, "./") || folder != "." && !strings.HasPrefix(name, folder+"/") || strings.HasPrefix(name, "../") {
		return "", fmt.Errorf("%q leads to %q, out of its package", specifier, target)
	}
	if !m.isFile(name) {
		return "", fmt.Errorf("%q leads to %s, which is no file", specifier, name)
	}
	return name, nil
}

// match finds the target of a key in `exports` or `imports` of a package.json.
func match(table json.RawMessage, key string, isRequire bool) (string, bool) {
	var entries map[string]json.RawMessage
	if json.Unmarshal(table, &entries) != nil || !isTable(entries) {
		if key != "." {
			return "", false
		}
		return choose(table, "", isRequire, 0)
	}
	if value, ok := entries[key]; ok && !strings.Contains(key, "*") {
		return choose(value, "", isRequire, 0)
	}
	best, part := "", ""
	for pattern := range entries {
		before, after, ok := strings.Cut(pattern, "*")
		if !ok || !strings.HasPrefix(key, before) || !strings.HasSuffix(key, after) || len(key) < len(before)+len(after) {
			continue
		}
		// The longest beginning is the most exact, and of these the longest pattern.
		if b, _, _ := strings.Cut(best, "*"); best == "" || len(before) > len(b) || len(before) == len(b) && len(pattern) > len(best) {
			best, part = pattern, key[len(before):len(key)-len(after)]
		}
	}
	if best == "" {
		return "", false
	}
	return choose(entries[best], part, isRequire, 0)
}

// isTable says whether these are paths, and not conditions.
func isTable(entries map[string]json.RawMessage) bool {
	for key := range entries {
		return strings.HasPrefix(key, ".") || strings.HasPrefix(key, "#")
	}
	return true
}

// choose finds the first target whose conditions hold. Conditions have an order, so an object is read as a list.
func choose(value json.RawMessage, part string, isRequire bool, depth int) (string, bool) {
	if depth > maxConditions {
		return "", false
	}
	var text string
	if json.Unmarshal(value, &text) == nil && text != "" {
		return strings.ReplaceAll(text, "*", part), true
	}
	var list []json.RawMessage
	if json.Unmarshal(value, &list) == nil {
		for _, one := range list {
			if target, ok := choose(one, part, isRequire, depth+1); ok {
				return target, true
			}
		}
		return "", false
	}
	decoder := json.NewDecoder(strings.NewReader(string(value)))
	if t, err := decoder.Token(); err != nil || t != json.Delim('{') {
		return "", false
	}
	for decoder.More() {
		name, err := decoder.Token()
		var one json.RawMessage
		if err != nil || decoder.Decode(&one) != nil {
			return "", false
		}
		holds := conditions[fmt.Sprint(name)] || name == "import" && !isRequire || name == "require" && isRequire
		if !holds {
			continue
		}
		if target, ok := choose(one, part, isRequire, depth+1); ok {
			return target, true
		}
	}
	return "", false
}
