package main

import (
	"bytes"
	"fmt"
	"image/color"
	"math"
	"os"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// A chart is a plot of a line for each peer, with the legend beside it.
type chart struct {
	*plot.Plot
	legend plot.Legend
	lines  int
}

func newChart(title, x, y string) *chart {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	p.Title.Padding = vg.Points(8)
	p.Add(plotter.NewGrid())
	c := &chart{Plot: p, legend: plot.NewLegend()}
	c.legend.Top, c.legend.Left, c.legend.Padding = true, true, vg.Points(3)
	return c
}

// line adds a line; ours is the thick one.
func (c *chart) line(name string, points plotter.XYs) error {
	l, err := plotter.NewLine(points)
	if err != nil {
		return err
	}
	l.Color = plotutil.Color(c.lines)
	l.Dashes = plotutil.Dashes(c.lines / 7)
	l.Width = vg.Points(1)
	if name == ours {
		l.Color, l.Width = color.Black, vg.Points(2.5)
	}
	c.lines++
	c.Add(l)
	c.legend.Add(name, l)
	return nil
}

// save writes the chart, unless it has nothing in it.
func (c *chart) save(file string) error {
	if c.lines == 0 {
		return nil
	}
	canvas := vgsvg.New(27*vg.Centimeter, 15*vg.Centimeter)
	whole := draw.New(canvas)
	c.Draw(draw.Crop(whole, 0, -5*vg.Centimeter, 0, 0))
	c.legend.Draw(draw.Crop(whole, 22.5*vg.Centimeter, 0, 0, 0))
	return write(canvas, file)
}

// logarithmic makes an axis logarithmic with ticks that can be read.
func logarithmic(axis *plot.Axis) {
	if axis.Min == axis.Max { // A single value would get a range around it that begins at 0 or below.
		axis.Min, axis.Max = axis.Min/2, axis.Max*2
	}
	axis.Scale = plot.LogScale{}
	axis.Tick.Marker = plot.TickerFunc(func(least, most float64) (ticks []plot.Tick) {
		for power := math.Floor(math.Log10(least)); power <= math.Ceil(math.Log10(most)); power++ {
			for _, n := range []float64{1, 2, 5} {
				if value := n * math.Pow(10, power); value >= least && value <= most {
					ticks = append(ticks, plot.Tick{Value: value, Label: fmt.Sprint(value)})
				}
			}
		}
		return ticks
	})
}

// write writes an SVG file. The font that the text was laid out in may be missing where it is shown:
// the others have the same widths.
func write(canvas *vgsvg.Canvas, file string) error {
	var svg bytes.Buffer
	if _, err := canvas.WriteTo(&svg); err != nil {
		return err
	}
	text := bytes.ReplaceAll(svg.Bytes(), []byte("font-family:Liberation Sans;"), []byte("font-family:Liberation Sans,Arial,Helvetica,sans-serif;"))
	return os.WriteFile(file, text, 0o644)
}
