package main

import (
	"fmt"
	"io"
	"strconv"

	"socklet/guest/http"
)

// ask is an answer's status; the body is left to the collector.
func ask(url string) string {
	response, err := http.Get(url)
	if err != nil {
		return "error"
	}
	return strconv.Itoa(response.Status)
}

func fetch(c *call) {
	response, err := http.Get(c.rest)
	if err != nil {
		c.answer("error")
		return
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		c.answer("error")
		return
	}
	c.answer(fmt.Sprintf("%d %s", response.Status, body))
}

func stream(c *call) {
	response, err := http.Get(c.rest)
	if err != nil {
		c.answer("error")
		return
	}
	defer response.Body.Close()
	buffer := make([]byte, 64<<10)
	for {
		size, err := response.Body.Read(buffer)
		if size > 0 {
			c.answer(string(buffer[:size]))
		}
		switch {
		case err == io.EOF:
			c.answer("end")
			return
		case err != nil:
			c.answer("error")
			return
		}
	}
}
