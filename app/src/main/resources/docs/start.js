// Swagger UI with the requests of the OpenAPI document. https://swagger.io/docs/open-source-tools/swagger-ui/
SwaggerUIBundle({ url: '/openapi', dom_id: '#reference' })
