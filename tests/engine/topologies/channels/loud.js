export function onPublish(ctx) {
  return ctx.events.map((event) => ({
    id: event.id,
    payload: { ...event.payload, text: event.payload.text.toUpperCase() },
  }));
}
