package main

import (
	"errors"
	"log"
	"net/http"
	"os"
	"strconv"

	"github.com/labstack/echo/v5"
	"github.com/redis/go-redis/v9"
)

func main() {
	client := redis.NewClient(&redis.Options{Addr: os.Getenv("REDIS_URL")})
	answer := func(c *echo.Context, count int64, err error) error {
		if err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
		return c.String(http.StatusOK, strconv.FormatInt(count, 10))
	}
	key := func(c *echo.Context) string { return "user:{" + c.Param("id") + "}" }

	e := echo.New()
	e.GET("/users/:id", func(c *echo.Context) error {
		count, err := client.Get(c.Request().Context(), key(c)).Int64()
		return answer(c, count, err)
	})
	e.POST("/users/:id", func(c *echo.Context) error {
		count, err := client.Incr(c.Request().Context(), key(c)).Result()
		return answer(c, count, err)
	})
	e.GET("/healthz", func(c *echo.Context) error { return c.String(http.StatusOK, "✓") })
	log.Fatal(e.Start(":" + os.Getenv("PORT")))
}
