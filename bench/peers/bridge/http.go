package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// An httpCarrier posts to FastAPI.
type httpCarrier struct {
	*worker
	url    string
	client *http.Client
}

func openHTTP(python, folder string) (invoker, error) {
	w, port, err := startWorker(python, folder, "serve_http.py")
	if err != nil {
		return nil, err
	}
	return &httpCarrier{w, "http://127.0.0.1:" + port + "/", &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 128}}}, nil
}

func (h *httpCarrier) call(ctx context.Context, method string, params []byte) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url+method, bytes.NewReader(params))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := h.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s: %s", method, response.Status, body)
	}
	var answer struct{ Result json.RawMessage }
	err = json.Unmarshal(body, &answer)
	return answer.Result, err
}

func (h *httpCarrier) Close() error {
	h.client.CloseIdleConnections()
	return h.worker.Close()
}
