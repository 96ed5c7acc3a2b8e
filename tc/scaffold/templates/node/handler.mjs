export const handler = async (event) => {
  return { message: `hello, ${event.name ?? "nobody"}` };
};
