await tools.go.meet()
