package link

import (
	"github.com/caisson-dev/caisson/host-go/component/internal/binary"
)

func (l *linker) alias(s *scope, d *binary.Alias) {
	switch d.Kind {
	case binary.AliasExport:
		if l.validating && !s.component && d.Sort != binary.SortType && d.Sort != binary.SortInstance {
			fail(d.Offset, "aliases in a type may only refer to types or instances")
		}
		inst := at(s.instances, d.Instance, d.Offset, binary.SortInstance)
		it, ok := inst.find(d.Name)
		if !ok {
			fail(d.Offset, "instance %d has no export named `%s`", d.Instance, d.Name)
		}
		if it.sort != d.Sort {
			fail(d.Offset, "export `%s` for instance %d is not a %s", d.Name, d.Instance, d.Sort)
		}
		s.push(it)
	case binary.AliasCoreExport:
		inst := at(s.coreInstances, d.Instance, d.Offset, binary.SortCoreInstance)
		it, ok := inst.export(d.Name)
		if !ok {
			fail(d.Offset, "core instance %d has no export named `%s`", d.Instance, d.Name)
		}
		if it.sort != d.Sort {
			fail(d.Offset, "export `%s` for core instance %d is not a %s", d.Name, d.Instance, d.Sort)
		}
		s.pushCore(it)
	case binary.AliasOuter:
		if l.validating {
			l.checkOuter(s, d)
		}
		l.outerAlias(s, d)
	}
}

func (l *linker) outerAlias(s *scope, d *binary.Alias) {
	outer := s
	for range d.Count {
		if outer = outer.parent; outer == nil {
			fail(d.Offset, "invalid outer alias count of %d", d.Count)
		}
	}
	switch d.Sort {
	case binary.SortType:
		s.types = append(s.types, at(outer.types, d.Index, d.Offset, d.Sort))
	case binary.SortComponent:
		s.components = append(s.components, at(outer.components, d.Index, d.Offset, d.Sort))
	case binary.SortCoreType:
		s.coreTypes = append(s.coreTypes, at(outer.coreTypes, d.Index, d.Offset, d.Sort))
	case binary.SortCoreModule:
		s.coreModules = append(s.coreModules, at(outer.coreModules, d.Index, d.Offset, d.Sort))
	}
}
