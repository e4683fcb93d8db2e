package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// A poster posts each message, and takes a JSON body or an event stream.
type poster struct {
	url    string
	client *http.Client
}

func newPoster(url string) *poster {
	return &poster{url, &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 128}}}
}

func (p *poster) exchange(ctx context.Context, r request) (response, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return response{}, err
	}
	post, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(body))
	if err != nil {
		return response{}, err
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json", "Accept": "application/json, text/event-stream",
		"Mcp-Protocol-Version": revision, "Mcp-Method": r.Method, "Mcp-Name": r.Params.Name,
	} {
		if value != "" {
			post.Header.Set(name, value)
		}
	}
	got, err := p.client.Do(post)
	if err != nil {
		return response{}, err
	}
	defer got.Body.Close()
	if got.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(got.Body)
		return response{}, fmt.Errorf("%s: %s: %s", r.Method, got.Status, text)
	}
	if strings.HasPrefix(got.Header.Get("Content-Type"), "text/event-stream") {
		return readEvents(got.Body)
	}
	var answer response
	text, err := io.ReadAll(got.Body)
	if err != nil {
		return answer, err
	}
	return answer, json.Unmarshal(text, &answer)
}

// readEvents takes the answer out of an event stream.
func readEvents(body io.Reader) (answer response, err error) {
	for lines := bufio.NewReaderSize(body, 64<<10); ; {
		line, err := lines.ReadBytes('\n')
		if data, ok := bytes.CutPrefix(line, []byte("data: ")); ok {
			if json.Unmarshal(data, &answer) == nil && answer.ID != nil {
				_, err := io.Copy(io.Discard, lines) // So that the connection is used again.
				return answer, err
			}
		}
		if err != nil {
			return answer, errors.Join(errors.New("the stream ends without an answer"), err)
		}
	}
}

func (p *poster) Close() error {
	p.client.CloseIdleConnections()
	return nil
}
