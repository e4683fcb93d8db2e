package caisson

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPrefixes(t *testing.T) {
	for _, test := range []struct{ names, want []string }{
		{[]string{"a", "b_c", "d-e"}, []string{"a", "b_c", "d-e"}},
		{[]string{"my server", "my-server", "my-server-2", "my.server"}, []string{"my-server-3", "my-server", "my-server-2", "my-server-4"}},
		{[]string{"a__b", "a____b", "_c_", "é", "", "___"}, []string{"a_b", "a_b-2", "c", "-", "server", "server-2"}},
	} {
		if diff := cmp.Diff(test.want, prefixes(test.names)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", test.names, diff)
		}
	}
}

// TestByPrefix shows that each name leads to one server and one name on that server, for any names.
func TestByPrefix(t *testing.T) {
	servers := []string{"a", "a_b", "a__b", "a_", "_a", "a b", "-"}
	g := &Group{}
	for i, prefix := range prefixes(servers) {
		g.members = append(g.members, newMember(g, nil, servers[i], prefix))
	}
	seen := map[string]string{}
	for _, m := range g.members {
		for _, tool := range []string{"t", "b__t", "_t", "__t", "b", ""} {
			name, whose := m.rename(tool), m.name+" "+tool
			if other, twice := seen[name]; twice {
				t.Errorf("%s is both %s and %s", name, whose, other)
			}
			seen[name] = whose
			if found, own := g.byPrefix(name); found != m || own != tool {
				t.Errorf("%s does not lead to %s", name, whose)
			}
		}
	}
	for _, name := range []string{"", "a", "a_t", "nobody__t", "__t"} {
		if m, _ := g.byPrefix(name); m != nil {
			t.Errorf("%q leads to %s", name, m.name)
		}
	}
}
