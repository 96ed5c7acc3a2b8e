function handler(event) {
  if (event.request.uri === '/old') {
    return { statusCode: 302, statusDescription: 'Found', headers: { location: { value: '/' } } };
  }
  return event.request;
}
