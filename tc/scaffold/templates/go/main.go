package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"
)

type event struct {
	Name string `json:"name"`
}

type answer struct {
	Message string `json:"message"`
}

func handler(_ context.Context, e event) (answer, error) {
	if e.Name == "" {
		e.Name = "nobody"
	}
	return answer{Message: "hello, " + e.Name}, nil
}

func main() {
	lambda.Start(handler)
}
