// Ask Go's checksum database code whether notes and proofs hold: cases in, 0 or 1 a line out.
//
// Builds offline with Debian's golang-golang-x-mod-dev:
// GO111MODULE=off GOPATH=/usr/share/gocode go build verify.go
package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type said struct {
	Kind    string
	Note    []byte
	Vkey    string
	Entry   []byte
	Index   int64
	Size    int64
	Old     int64
	Root    []byte
	OldRoot []byte
	Path    [][]byte
}

func hash(b []byte) (h tlog.Hash, ok bool) {
	copy(h[:], b)
	return h, len(b) == sha256.Size
}

func holds(s said) bool {
	if s.Kind == "note" {
		verifier, err := note.NewVerifier(s.Vkey)
		if err != nil {
			return false
		}
		_, err = note.Open(s.Note, note.VerifierList(verifier))
		return err == nil
	}
	root, whole := hash(s.Root)
	var path []tlog.Hash
	for _, b := range s.Path {
		h, ok := hash(b)
		whole = whole && ok
		path = append(path, h)
	}
	if s.Kind == "inclusion" {
		leaf := tlog.RecordHash(s.Entry)
		return whole && tlog.CheckRecord(path, s.Size, root, s.Index, leaf) == nil
	}
	old, ok := hash(s.OldRoot)
	return whole && ok && tlog.CheckTree(path, s.Size, root, s.Old, old) == nil
}

func main() {
	file, err := os.Open(os.Args[1])
	if err != nil {
		panic(err)
	}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var s said
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			panic(err)
		}
		if holds(s) {
			fmt.Println(1)
		} else {
			fmt.Println(0)
		}
	}
}
