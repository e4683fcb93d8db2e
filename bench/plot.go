package main

import (
	"path/filepath"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// plotAll draws what the results have into SVG files.
func plotAll(folder string, r *Results) error {
	plot.DefaultFont.Variant, plotter.DefaultFont.Variant = "Sans", "Sans"
	for _, transport := range transports {
		cell := call(transport, 100, 1, 1)
		title := "Latency, " + cell.String()
		if err := plotLatency(filepath.Join(folder, "latency-"+transport+".svg"), title, cell, r.Calls); err != nil {
			return err
		}
		if err := plotThroughput(filepath.Join(folder, "throughput-"+transport+".svg"), transport, r.Calls); err != nil {
			return err
		}
	}
	if err := plotMemory(filepath.Join(folder, "memory.svg"), r.Memory); err != nil {
		return err
	}
	if err := plotStarts(filepath.Join(folder, "start.svg"), "From the start of the process to the first result, stdio", stdio, r.Starts); err != nil {
		return err
	}
	if err := plotScripts(folder, &r.Scripts); err != nil {
		return err
	}
	if err := plotServe(folder, &r.Serve); err != nil {
		return err
	}
	return plotSoak(filepath.Join(folder, "soak.svg"), r.Soak)
}

func plotLatency(file, title string, cell Cell, calls []CallResult) error {
	c := newChart(title, "milliseconds", "percent of calls that took no longer")
	for _, r := range calls {
		if r.Cell != cell || len(r.Rounds) == 0 {
			continue
		}
		var points plotter.XYs
		for percent, us := range r.Quantiles {
			points = append(points, plotter.XY{X: us / 1e3, Y: float64(percent)})
		}
		if err := c.line(r.Peer, points); err != nil {
			return err
		}
	}
	logarithmic(&c.X)
	return c.save(file)
}

func plotThroughput(file, transport string, calls []CallResult) error {
	c := newChart("tools/call, 100 B, "+transport, "calls in flight", "calls per second")
	points := map[string]plotter.XYs{}
	var names []string
	for _, n := range inFlight {
		for _, r := range calls {
			if r.Cell != call(transport, 100, 1, n) || len(r.Rounds) == 0 {
				continue
			}
			if points[r.Peer] == nil {
				names = append(names, r.Peer)
			}
			points[r.Peer] = append(points[r.Peer], plotter.XY{X: float64(n), Y: r.PerSecond})
		}
	}
	for _, name := range names {
		if err := c.line(name, points[name]); err != nil {
			return err
		}
	}
	logarithmic(&c.X)
	logarithmic(&c.Y)
	c.X.Tick.Marker = plot.ConstantTicks{{Value: 1, Label: "1"}, {Value: 16, Label: "16"}, {Value: 64, Label: "64"}}
	return c.save(file)
}

func plotMemory(file string, memory []MemoryResult) error {
	c := newChart("Resident memory by open sessions, HTTP", "sessions", "megabytes")
	for _, m := range memory {
		if len(m.Sessions) == 0 || m.Resident[0] == 0 {
			continue
		}
		var points plotter.XYs
		for i, n := range m.Sessions {
			points = append(points, plotter.XY{X: float64(n), Y: float64(m.Resident[i]) / 1e6})
		}
		if err := c.line(m.Peer, points); err != nil {
			return err
		}
	}
	logarithmic(&c.Y)
	return c.save(file)
}

func plotSoak(file string, soak []SoakResult) error {
	c := newChart("Memory of the soak", "percent of the calls, and then of the connects", "megabytes")
	for _, s := range soak {
		var points plotter.XYs
		for phase, residents := range [][]int64{s.DuringCalls, s.DuringOpened} {
			for i, resident := range residents {
				points = append(points, plotter.XY{X: 100 * (float64(phase) + float64(i+1)/soakSteps), Y: float64(resident) / 1e6})
			}
		}
		if len(points) > 0 {
			if err := c.line(s.Peer, points); err != nil {
				return err
			}
		}
	}
	c.Y.Min = 0
	return c.save(file)
}

// plotStarts stacks the stages of each start, the quickest at the top.
func plotStarts(file, title, transport string, starts []StartResult) error {
	starts = slices.DeleteFunc(slices.Clone(starts), func(s StartResult) bool { return s.Transport != transport || len(s.Runs) == 0 })
	if len(starts) == 0 {
		return nil
	}
	slices.SortFunc(starts, func(a, b StartResult) int { return int(b.Median.Total() - a.Median.Total()) })
	p := plot.New()
	p.Title.Text, p.X.Label.Text = title, "seconds"
	p.Title.Padding = vg.Points(8)
	var names []string
	for _, s := range starts {
		names = append(names, s.Peer+", "+caches(s.First))
	}
	var below *plotter.BarChart
	for i, stage := range []struct {
		name string
		time func(Stages) float64
	}{
		{"loaded", func(s Stages) float64 { return s.Load }},
		{"connected", func(s Stages) float64 { return s.Connect }},
		{"first result", func(s Stages) float64 { return s.Call }},
	} {
		var values plotter.Values
		for _, s := range starts {
			values = append(values, stage.time(s.Median)/1e6)
		}
		bars, err := plotter.NewBarChart(values, vg.Points(14))
		if err != nil {
			return err
		}
		bars.Horizontal, bars.LineStyle.Width, bars.Color = true, 0, plotutil.Color(i)
		if below != nil {
			bars.StackOn(below)
		}
		below = bars
		p.Add(bars)
		p.Legend.Add(stage.name, bars)
	}
	p.Legend.Top = true
	p.NominalY(names...)
	canvas := vgsvg.New(24*vg.Centimeter, vg.Length(3+len(starts))*vg.Centimeter)
	p.Draw(draw.New(canvas))
	return write(canvas, file)
}
