return await tools.go.meet({});
