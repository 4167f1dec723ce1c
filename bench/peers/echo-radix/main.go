package main

import (
	"log"
	"net/http"
	"os"
	"strconv"

	"github.com/labstack/echo/v5"
	"github.com/mediocregopher/radix/v3"
)

func main() {
	redis, err := radix.NewPool("tcp", os.Getenv("REDIS_URL"), 10)
	if err != nil {
		log.Fatal(err)
	}
	answer := func(c *echo.Context, command string) error {
		var count int64
		if err := redis.Do(radix.Cmd(&count, command, "user:{"+c.Param("id")+"}")); err != nil {
			return err
		}
		return c.String(http.StatusOK, strconv.FormatInt(count, 10))
	}

	e := echo.New()
	e.GET("/users/:id", func(c *echo.Context) error { return answer(c, "GET") })
	e.POST("/users/:id", func(c *echo.Context) error { return answer(c, "INCR") })
	e.GET("/healthz", func(c *echo.Context) error { return c.String(http.StatusOK, "✓") })
	log.Fatal(e.Start(":" + os.Getenv("PORT")))
}
