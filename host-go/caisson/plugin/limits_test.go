package plugin

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// Each bound stands in docs/plugins.md as the code has it.
func TestLimitsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../../docs/plugins.md")
	if err != nil {
		t.Fatal(err)
	}
	l := Limits{}.withDefaults()
	for _, row := range []string{
		fmt.Sprintf("| `Fuel` of one call, its start included | %d billion units", l.Fuel/1e9),
		fmt.Sprintf("| `WallTime` of one call | %v |", l.WallTime),
		fmt.Sprintf("| `MemoryBytes` of one instance | %d MiB |", l.MemoryBytes>>20),
		fmt.Sprintf("| `MessageBytes`: arguments, result, list of tools | %d MiB |", l.MessageBytes>>20),
		fmt.Sprintf("| `Calls` at once | %d |", l.Calls),
		fmt.Sprintf("| `LoadTime` | %v |", l.LoadTime),
		fmt.Sprintf("| tools of one plugin | %d |", maxTools),
		fmt.Sprintf("| a plugin's file | %d MiB |", maxFile>>20),
		fmt.Sprintf("| log messages of one call | %d, of %d KiB |", maxLogs, maxLogBytes>>10),
	} {
		if !strings.Contains(string(text), "\n"+row) {
			t.Errorf("docs/plugins.md has no row that begins with %s", row)
		}
	}
}

// A negative limit is refused by its name.
func TestNegativeLimits(t *testing.T) {
	for _, name := range []string{"WallTime", "MessageBytes", "Calls", "LoadTime"} {
		l := Limits{}
		switch name {
		case "WallTime":
			l.WallTime = -1
		case "MessageBytes":
			l.MessageBytes = -1
		case "Calls":
			l.Calls = -1
		case "LoadTime":
			l.LoadTime = -1
		}
		if err := l.check(); err == nil || err.Error() != "Limits."+name+" is negative" {
			t.Error(err)
		}
	}
}
