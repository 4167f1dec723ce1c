// Swagger UI with the requests of the OpenAPI document. https://swagger.io/docs/open-source-tools/swagger-ui/
// Bodies are shown as they are. Swagger UI would parse JSON, and round numbers above 2^53.
const verbatim = ({ React }) => ({
  wrapComponents: {
    responseBody: ResponseBody => props => React.createElement(ResponseBody, { ...props, contentType: 'text/plain' }),
  },
})

SwaggerUIBundle({ url: '/openapi', dom_id: '#reference', plugins: [verbatim] })
