package codecache

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"go.uber.org/goleak"
	"golang.org/x/sync/errgroup"

	"github.com/caisson-dev/caisson/host-go/component/internal/build"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(cacheChild); dir != "" {
		fillOften(dir)
		return
	}
	if dir := os.Getenv(cacheCheck); dir != "" {
		sayCache(dir)
		return
	}
	goleak.VerifyTestMain(m)
}

// fill compiles and runs a few modules with the cache in a folder, and loads an image. It reports whether the
// cache had the code.
func fill(dir string, limit int64) (cached bool, err error) {
	ctx := context.Background()
	c, err := Open(dir, limit)
	if err != nil {
		return false, err
	}
	defer c.Close()
	defer c.Core().Close(ctx)
	core := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithCompilationCache(c.Core()))
	defer core.Close(ctx)
	cached = true
	for k := range 3 {
		cached = c.Has(Hash(answering(k))) && cached
	}
	for k := range 3 {
		if err := answer(c, core, k); err != nil {
			return cached, err
		}
	}
	return cached, c.Load(strings.Repeat("ab", 32), func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(make([]byte, 5000))), nil
	}, func(r io.Reader) error {
		b, err := io.ReadAll(r)
		if err == nil && !bytes.Equal(b, make([]byte, 5000)) {
			err = errors.New("the image is another")
		}
		return err
	})
}

// answering returns a module with a function that returns k.
func answering(k int) []byte {
	return build.Module(build.Types(build.FuncType(nil, build.Bytes{build.I32})), build.Functions(build.U32(0)),
		build.Exports(build.Export("f", build.Func, 0)), build.Code(build.Body(0, build.Const(k))))
}

// answer compiles the module that returns k with the cache, and runs it.
func answer(c *Cache, core wazero.Runtime, k int) error {
	return answerBy(c, core, k, core.CompileModule)
}

func answerBy(c *Cache, core wazero.Runtime, k int, compile Compiler) error {
	ctx := context.Background()
	module := answering(k)
	code, err := c.Compile(ctx, Module{Hash: Hash(module), Code: func() ([]byte, error) { return module, nil }}, compile)
	if err != nil {
		return err
	}
	m, err := core.InstantiateModule(ctx, code, wazero.NewModuleConfig().WithName(""))
	if err != nil {
		return err
	}
	out, err := m.ExportedFunction("f").Call(ctx)
	if err == nil && (len(out) != 1 || out[0] != uint64(k)) {
		err = fmt.Errorf("module %d returns %v", k, out)
	}
	return err
}

func mustFill(t *testing.T, dir string) (cached bool) {
	t.Helper()
	cached, err := fill(dir, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return cached
}

// cacheFiles lists the entries of a cache, and fails when there is anything else.
func cacheFiles(t *testing.T, dir string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, folderPrefix+"*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if !entryName.MatchString(filepath.Base(path)) {
			t.Errorf("%s was left behind", path)
		}
	}
	if others, _ := filepath.Glob(filepath.Join(dir, stagePrefix+"*")); len(others) > 0 {
		t.Errorf("%v was left behind", others)
	}
	return paths
}

func TestCache(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	if mustFill(t, dir) {
		t.Error("an empty cache has it")
	}
	before := cacheFiles(t, dir)
	if !mustFill(t, dir) {
		t.Error("a filled cache does not have it")
	}
	if after := cacheFiles(t, dir); !slices.Equal(before, after) || len(after) < 4 {
		t.Errorf("the entries were %v and are %v", before, after)
	}
}

// The folder is read once for the entries of a component. An entry that is gone since is made anew, and one of another
// process is found.
func TestListing(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	mustFill(t, dir)
	c, err := Open(dir, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	defer c.Core().Close(ctx)
	core := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithCompilationCache(c.Core()))
	defer core.Close(ctx)
	first, other := Hash(answering(0)), Hash(answering(7))
	if !c.Has(first) || c.Has(other) {
		t.Fatal("the cache has other modules")
	}
	path := filepath.Join(c.folder, c.entries(first)[0])
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if !c.Has(first) {
		t.Error("the folder is read for each module")
	}
	if err := answer(c, core, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("it is not made anew: %v", err)
	}
	if err := os.WriteFile(filepath.Join(c.folder, other+"-"+first+codeSuffix), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if !c.Has(other) {
		t.Error("the entry of another process is not found")
	}
}

// An entry that is damaged anywhere, or is another's, is not used. It is replaced.
func TestDamagedCache(t *testing.T) {
	dir := t.TempDir()
	mustFill(t, dir)
	paths := cacheFiles(t, dir)
	for i, path := range paths {
		good, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		other, err := os.ReadFile(paths[(i+1)%len(paths)])
		if err != nil {
			t.Fatal(err)
		}
		damaged := map[string][]byte{"empty": {}, "another's": other, "longer": append(bytes.Clone(good), good...)}
		for at := 0; at < len(good); at += max(1, len(good)/7) {
			flipped := bytes.Clone(good)
			flipped[at] ^= 1
			damaged[fmt.Sprint("changed at ", at)] = flipped
			damaged[fmt.Sprint("cut at ", at)] = good[:at]
		}
		for what, b := range damaged {
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			mustFill(t, dir)
			if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, good) {
				t.Fatalf("%s, %s: it was not replaced (%d bytes, %v)", filepath.Base(path), what, len(now), err)
			}
		}
	}
	cacheFiles(t, dir)
}

// damage changes a byte in the middle of a file.
func damage(t *testing.T, path string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// A file that others may write to is not used, and neither is anything but a file.
func TestForeignCacheEntry(t *testing.T) {
	dir := t.TempDir()
	mustFill(t, dir)
	for _, path := range cacheFiles(t, dir) {
		if err := os.Chmod(path, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	mustFill(t, dir)
	for _, path := range cacheFiles(t, dir) {
		if info, err := os.Stat(path); err != nil || !private(info) {
			t.Errorf("%s was not replaced", path)
		}
		target := filepath.Join(t.TempDir(), "elsewhere")
		if err := os.Rename(path, target); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, path); err != nil {
			t.Skip(err)
		}
	}
	mustFill(t, dir)
	for _, path := range cacheFiles(t, dir) {
		if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
			t.Errorf("%s was not replaced", path)
		}
	}
}

// When the cache can keep nothing, everything works, and Err says so. Open fails for a folder that cannot be
// made.
func TestUnusableCache(t *testing.T) {
	dir := t.TempDir()
	mustFill(t, dir)
	folder := filepath.Dir(cacheFiles(t, dir)[0])
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(folder, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if mustFill(t, dir) {
			t.Error("it was kept in a file")
		}
	}
	if err := openAndClose(dir); err == nil {
		t.Error("it is not told")
	}
	if err := openAndClose(filepath.Join(folder, "x")); err == nil {
		t.Error("a cache in a file")
	}
}

// openAndClose opens the cache in a folder. It returns the error of opening or of keeping.
func openAndClose(dir string) error {
	c, err := Open(dir, 1<<20)
	if err != nil {
		return err
	}
	return errors.Join(c.Err(), c.Core().Close(context.Background()), c.Close())
}

func TestCacheIsBounded(t *testing.T) {
	dir := t.TempDir()
	mustFill(t, dir)
	paths := cacheFiles(t, dir)
	// One entry is of another version. It is also the oldest.
	other := filepath.Join(dir, folderPrefix+"wazero-v0.1.0-other-os")
	if err := os.Mkdir(other, 0o700); err != nil {
		t.Fatal(err)
	}
	old := filepath.Join(other, filepath.Base(paths[0]))
	if err := os.WriteFile(old, make([]byte, 10_000), 0o600); err != nil {
		t.Fatal(err)
	}
	long := time.Now().Add(-100 * time.Hour)
	if err := os.Chtimes(old, long, long); err != nil {
		t.Fatal(err)
	}
	const limit = 12_000
	if err := os.Remove(paths[0]); err != nil {
		t.Fatal(err)
	}
	if _, err := fill(dir, limit); err != nil {
		t.Fatal(err)
	}
	var total int64
	for _, path := range cacheFiles(t, dir) {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		total += info.Size()
	}
	if total == 0 || total > limit {
		t.Errorf("the cache has %d bytes, of %d", total, limit)
	}
	if _, err := os.Stat(old); !os.IsNotExist(err) {
		t.Errorf("the entry that was not used for longest is there: %v", err)
	}
}

// A new process removes what a killed process left behind. It does not remove what another process is
// writing.
func TestCacheIsSwept(t *testing.T) {
	dir := t.TempDir()
	mustFill(t, dir)
	folder := filepath.Dir(cacheFiles(t, dir)[0])
	long := time.Now().Add(-2 * leftOver)
	var old, fresh []string
	for _, of := range []*[]string{&old, &fresh} {
		stage, err := os.MkdirTemp(dir, stagePrefix)
		if err != nil {
			t.Fatal(err)
		}
		temp, err := os.CreateTemp(folder, "x.*"+tempSuffix)
		if err != nil {
			t.Fatal(err)
		}
		_ = temp.Close()
		*of = []string{stage, temp.Name()}
	}
	for _, path := range old {
		if err := os.Chtimes(path, long, long); err != nil {
			t.Fatal(err)
		}
	}
	mustFill(t, dir)
	for _, path := range old {
		if _, err := os.Lstat(path); !os.IsNotExist(err) {
			t.Errorf("%s is still there", path)
		}
	}
	for _, path := range fresh {
		if _, err := os.Lstat(path); err != nil {
			t.Error(err)
		}
	}
}

// cacheChild has the test binary fill a cache, in place of running tests.
const cacheChild = "CODECACHE_TEST_FILL"

// Many processes start on an empty cache at once, while its entries are damaged again and again. All of them
// work, and the cache is whole afterwards.
func TestCacheRace(t *testing.T) {
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	const processes = 4
	var running []*exec.Cmd
	for range processes {
		cmd := exec.Command(self)
		cmd.Env = append(os.Environ(), cacheChild+"="+dir)
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		running = append(running, cmd)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, cmd := range running {
			if err := cmd.Wait(); err != nil {
				t.Error(err)
			}
		}
	}()
	for round := 0; ; round++ {
		select {
		case <-done:
			mustFill(t, dir)
			if !mustFill(t, dir) {
				t.Error("the cache does not have it")
			}
			cacheFiles(t, dir)
			return
		default:
		}
		paths, _ := filepath.Glob(filepath.Join(dir, folderPrefix+"*", "*"+codeSuffix))
		if len(paths) > 0 {
			// The damaged file replaces the entry, as a file of another process would.
			damaged := filepath.Join(dir, "damaged")
			_ = os.WriteFile(damaged, []byte("damaged"), 0o600)
			_ = os.Rename(damaged, paths[round%len(paths)])
		}
		mustFill(t, dir)
	}
}

// fillOften is the main function of a child of TestCacheRace.
func fillOften(dir string) {
	for range 20 {
		if _, err := fill(dir, 1<<20); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// cacheCheck has the test binary report how it sees a cache.
const cacheCheck = "CODECACHE_TEST_CHECK"

func sayCache(dir string) {
	fmt.Println(openAndClose(dir))
	cached, err := fill(dir, 1<<20)
	fmt.Println("cached", cached, err)
}

// Goroutines that need the same modules at once compile each of them once, and load what the cache has.
func TestAtOnce(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	const modules, each = 5, 4
	for _, want := range []int{1, 0} {
		c, err := Open(dir, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		core := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithCompilationCache(c.Core()))
		var whole [modules]atomic.Int32
		var all errgroup.Group
		for i := range modules * each {
			k := i % modules
			all.Go(func() error {
				return answerBy(c, core, k, func(ctx context.Context, b []byte) (wazero.CompiledModule, error) {
					if bytes.Equal(b, answering(k)) {
						whole[k].Add(1)
					}
					return core.CompileModule(ctx, b)
				})
			})
		}
		if err := all.Wait(); err != nil {
			t.Fatal(err)
		}
		for k := range whole {
			if n := int(whole[k].Load()); n != want {
				t.Errorf("module %d was compiled %d times, not %d", k, n, want)
			}
		}
		if left := c.stage.files(); len(left) > 0 {
			t.Errorf("the stage has %v", left)
		}
		if err := errors.Join(core.Close(ctx), c.Core().Close(ctx), c.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(cacheFiles(t, dir)); n != modules {
		t.Errorf("the cache has %d entries of %d", n, modules)
	}
}

// Start finds what was kept, once it is kept, and only while it is whole and can be read.
func TestStart(t *testing.T) {
	c, err := Open(t.TempDir(), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	defer c.Core().Close(context.Background())
	hash := strings.Repeat("cd", 32)
	path := filepath.Join(c.folder, hash+startSuffix)
	found := func() (text string) {
		if !c.Start(hash, func(b []byte) error { text = string(b); return nil }) && text != "" {
			t.Errorf("%q is damaged, and was read", text)
		}
		return text
	}
	keep := func(text string) {
		c.KeepStart(hash, func() ([]byte, error) { return []byte(text), nil })
	}
	if found() != "" {
		t.Error("an empty cache has it")
	}
	c.KeepStart(hash, func() ([]byte, error) { return nil, errors.New("no start") })
	if left, _ := os.ReadDir(c.folder); len(left) > 0 || found() != "" {
		t.Error("it is kept though it could not be made")
	}
	keep("start")
	if keep("another"); found() != "start" {
		t.Errorf("it is %q", found())
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for n := range whole {
		damaged := bytes.Clone(whole)
		damaged[n] ^= 1
		for what, b := range map[string][]byte{"cut at": whole[:n], "changed at": damaged} {
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			if text := found(); text != "" {
				t.Errorf("%s %d it is %q", what, n, text)
			}
			if _, err := os.Stat(path); err == nil {
				t.Fatalf("%s %d it stays", what, n)
			}
		}
	}
	keep("of another version")
	if c.Start(hash, func([]byte) error { return errors.New("of another version") }) {
		t.Error("what cannot be read is found")
	}
	if keep("start"); found() != "start" {
		t.Error("what could not be read is not replaced")
	}
}
