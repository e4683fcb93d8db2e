package caisson_test

import (
	"bytes"
	"strings"
)

// fuzzWords stand for the control characters 1 to 31 of an input, so that what changes bytes at random
// puts together what a server might send. @ID@ is the call's id, and @VALUE@ a text of this input alone.
var fuzzWords = [...]string{
	1: `{"jsonrpc":"2.0","id":@ID@,"result":{"content":[{"type":"text","text":"@VALUE@"}]}}`,
	2: `{"jsonrpc":"2.0","id":@ID@,"result":`,
	3: `{"jsonrpc":"2.0","id":@ID@,"error":`,
	4: `{"jsonrpc":"2.0","method":"notifications/`, 5: `{"jsonrpc":"2.0","id":"s","method":"`,
	6: `"params":`, 7: `"_meta":`, 8: `null`,
	9: "\t", 10: "\n",
	11: `{"content":[],"structuredContent":`, 12: `{"code":-32601,"message":"`,
	13: "\r",
	14: `[`, 15: `]`, 16: `{}`, 17: `,`, 18: `"@VALUE@"`, 19: `"id":@ID@`,
	20: "data: ", 21: "id: 1\n", 22: "event: message\n", 23: "retry: 1\n", 24: ": a comment\n",
	25: "\ufeff", 26: "\xff", 27: `"isError":true`, 28: `\ud83d`, 29: `123456789012345678901234567890`,
	30: "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n",
	31: "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n",
}

// spelled puts the words of an input out in full.
func spelled(data []byte, id, value string) string {
	var b bytes.Buffer
	for _, c := range data {
		if c > 0 && int(c) < len(fuzzWords) {
			b.WriteString(fuzzWords[c])
		} else {
			b.WriteByte(c)
		}
	}
	return strings.NewReplacer("@ID@", id, "@VALUE@", value).Replace(b.String())
}

// fuzzSeeds are what odd servers send, by the place where they send it.
var fuzzSeeds = map[fuzzPlace][]string{
	fuzzLines: {
		"\x01", "\x19\x01\n", "\xef\xbb\xbf\x01", "\x01\x01", "\x0e\x01\x0f", "\x0e\x0f\n\x01", "null\n\x01", "0\n\"\"\n\x01",
		`{"id":@ID@,"result":{"content":[]}}`, `{"jsonrpc":"1.0","id":@ID@,"result":{"content":[]}}`,
		`{"jsonrpc":"2.0",` + "\x13" + `,"result":{"content":[]},"error":null}`, `{"jsonrpc":"2.0",` + "\x13" + `}`,
		`{"jsonrpc":"2.0","id":"@ID@","result":{"content":[]}}`, `{"jsonrpc":"2.0","id":@ID@.0,"result":{"content":[]}}`,
		"\x05ping\",\"params\":null}\n\x01", "\x05ping\",\"params\":[]}\n\x01", "\x05ping\",\x06{\x07null}}\n\x01",
		"\x05roots/list\"}\n\x01", "\x05elicitation/create\",\x06{}}\n\x01", "\x05\x1c\"}\n\x01", `{"jsonrpc":"2.0","id":{},"method":"ping"}` + "\n\x01",
		"\x04tools/list_changed\",\x06null}\n\x01", "\x04message\",\x06{\"level\":\"info\",\"data\":\x1d}}\n\x01",
		"\x04progress\",\x06{\"progressToken\":@ID@,\"progress\":1}}\n\x01", "\x04cancelled\",\x06{\"requestId\":@ID@}}\n\x01",
		"\x02\x08}", "\x02\x10}", "\x02\x0e\x0f}", "\x02\x0b\x1d}}", "\x02\x0b{\"a\":\x12}}}", "\x02{\"content\":\x08}}", "\x02{\"content\":[],\x07\x08}}",
		"\x02{\"content\":[],\x1b}}", "\x02{\"content\":[{\"type\":\"text\",\"text\":\"\x1c\"}]}}", "\x02{\"content\":[{\"type\":\"odd\"}]}}",
		"\x03\x0cno\"}}", "\x03\x08}", "\x03{}}", "\x03{\"code\":\"x\",\"message\":1}}", "\x03\x0c\",\"data\":\x1d}}", "\x01\r", "\r\n\r\n\x01", "\x00\x01", "\x1a\x01",
		`{"jsonrpc":"2.0","id":@ID@,"id":7,"result":{"content":[]}}`, `{"jsonrpc":"2.0","id":@ID@,"result":{"content":[]},"result":{"content":[],"a":@VALUE@}}`,
	},
	fuzzBody: {
		"\x01", "\x0e\x01\x0f", "\x0e\x04message\",\x06{\"level\":\"info\",\"data\":1}}\x11\x01\x0f", "\x19\x01", "", " ", "null", "{}", "\x01\x01", "<html>", "\x01garbage", "\x02\x0b\x1d}}",
	},
	fuzzEvents: {
		"\x14\x01\n\n", "\x14\x01\r\r", "\x14\x01\r\n\r\n", "\x16\x14\x01\n\n", "event: other\n\x14\x01\n\n", "\x15\x14\n\n\x14\x01\n\n", "\x15\x17\x14\n\n",
		"\x18\x14\x01\n\n", "\x14\x0e\x01\x0f\n\n", "\x14\x01", "\x14\x01\n", "\xef\xbb\xbf\x14\x01\n\n", "\x14{\n\x14}\n\n\x14\x01\n\n", "data\n\n\x14\x01\n\n", "\x17\x14\x01\n\n", "data:\x01\n\n",
		"\x14\x05ping\",\x06\x08}\n\n\x14\x01\n\n", "id: \x00\n\x14\x01\n\n", "\x14\x01\n\n\x14\x01\n\n",
	},
	fuzzHead: {
		"\x1e\x01", "\x1f\x14\x01\n\n", "HTTP/1.1 202 Accepted\r\n\r\n", "HTTP/1.1 204 No\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n\x01", "HTTP/1.0 200 OK\nContent-Type: application/json\n\n\x01",
		"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\n\x01", "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n\r\n\x01",
		"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n\x1e\x01", "HTTP/1.1 503 Busy\r\nRetry-After: 0\r\n\r\n", "HTTP/1.1 429 Busy\r\nRetry-After: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\n",
		"HTTP/1.1 301 Moved\r\nLocation: /other\r\n\r\n", "HTTP/1.1 307 Moved\r\nLocation: http://elsewhere.test/\r\n\r\n", "HTTP/1.1 308 Moved\r\nLocation: ?x\r\n\r\n", "HTTP/1.1 404 Not Found\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "HTTP/1.1 400 Bad\r\nContent-Type: application/json\r\n\r\n\x03\x0cno\"}}",
		"HTTP/1.1 401 Who\r\nWWW-Authenticate: Bearer\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-16\r\nMcp-Session-Id: \xff\r\n\r\n\x01", "no HTTP at all", "",
	},
	fuzzHello: {
		`{"jsonrpc":"2.0",` + "\x13" + `,"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"n","version":"1"}}}`,
		"\x02{\"protocolVersion\":\"2025-06-18\",\"capabilities\":{\"tools\":\x08},\"serverInfo\":{\"name\":\"n\"},\"instructions\":\x08}}",
		"\x02{\"protocolVersion\":\"1999-01-01\",\"capabilities\":{},\"serverInfo\":\x10}}", "\x03\x0cno\"}}", "\x02\x08}",
	},
	fuzzPage: {
		"\x02{\"tools\":[{\"name\":\"any\",\"inputSchema\":{\"type\":\"object\"}}]}}", "\x02{\"tools\":[],\"nextCursor\":\x08}}", "\x02{\"tools\":[{}]}}", "\x02{\"tools\":\x08}}",
		"\x02{\"tools\":[{\"name\":\"any\",\"description\":\x08,\"annotations\":\x08,\"inputSchema\":{\"type\":\"object\"}}],\x07\x08}}",
		"\x02{\"tools\":[{\"name\":\"any\",\"inputSchema\":{\"type\":\"object\"},\"outputSchema\":{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#\"}}}}]}}",
	},
}
