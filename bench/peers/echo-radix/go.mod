module echo-radix

go 1.25.0

require (
	github.com/labstack/echo/v5 v5.4.4
	github.com/mediocregopher/radix/v3 v3.8.0
)

require golang.org/x/xerrors v0.0.0-20191011141410-1b5146add898 // indirect
