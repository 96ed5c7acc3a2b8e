import { add } from './lib/add.mjs'

export const handler = async (event) => {
  const { a, b } = event.pathParameters
  return { sum: add(Number(a), Number(b)) }
}
