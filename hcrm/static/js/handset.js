// The simulated phone looks for new texts every two seconds, so that an answer appears as on a real one.

const page = document.querySelector("[data-screen]");
const words = document.querySelector("[data-words]").dataset;
const news = document.querySelector("[data-news]");
const bubbles = () => page.querySelector("[data-bubbles]");
const toTheEnd = () => { bubbles().scrollTop = bubbles().scrollHeight; };

async function look() {
  if (document.hidden) return;
  const answer = await fetch(page.dataset.screen, { headers: { "X-Requested-With": "fetch" } });
  if (!answer.ok || answer.redirected) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const list = page.querySelector("[data-phones]");
  if (!list.contains(document.activeElement)) list.replaceChildren(...fresh.querySelector("[data-phones]").children);
  const before = bubbles().textContent;
  const now = fresh.querySelector("[data-bubbles]");
  if (now.textContent === before) return;
  bubbles().replaceChildren(...now.children);
  toTheEnd();
  news.textContent = words.new;
}

toTheEnd();
document.getElementById("text").focus({ preventScroll: true });
setInterval(() => { look().catch(() => {}); }, 2000);
