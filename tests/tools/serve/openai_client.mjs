// Stories through npm's openai client, as its users write: openai_client.mjs MODULE BASE_URL prints what came as JSON.
const [module, baseURL] = process.argv.slice(2);
const { default: OpenAI } = await import(module);
const client = new OpenAI({ baseURL, apiKey: "none", maxRetries: 0 });

const said = {};
said.models = (await client.models.list()).data.map((model) => model.id);

said.streamed = "";
const story = { model: "pico-llama", prompt: "Once upon a time", temperature: 0 };
for await (const piece of await client.completions.create({ ...story, stop: "named", stream: true })) {
  said.streamed += piece.choices[0].text;
}

const chat = await client.chat.completions.create({
  model: "pico-llama", messages: [{ role: "user", content: "Once upon a time" }], temperature: 0, max_tokens: 4,
});
said.chat = chat.choices[0].message.content;

const status = (promise) => promise.then(() => 200, (error) => error.status);
said.refused = await status(client.completions.create({ ...story, temperature: 9 }));
said.missing = await status(client.embeddings.create({ model: "x", input: "y" }));

const long = await client.completions.create({ ...story, stream: true });
said.cancelled_after = 0;
for await (const piece of long) {
  said.cancelled_after += piece.choices[0].text.length;
  if (said.cancelled_after > 10) break; // leaving the loop aborts the request
}
console.log(JSON.stringify(said));
