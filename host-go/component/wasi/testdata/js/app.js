export async function send(url, text) {
  let response;
  try {
    response = await fetch(url, { method: 'POST', body: text, headers: { 'x-a': '1' } });
  } catch (e) {
    throw `${e}`;
  }
  return `${response.status} ${response.headers.get('content-type')} ${await response.text()}`;
}
