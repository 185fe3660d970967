// Passkeys and security keys: only a script can speak to an authenticator.
//
// A form asks `data-options` for a challenge, has it signed, fills its hidden fields, and is sent
// like every other form. Browsers give one error for "cancelled", "too late" and "no passkey".
"use strict";

(() => {
  const form = document.querySelector("form[data-passkey]");
  if (!form) return;
  const button = form.querySelector("button");
  const said = document.getElementById("said");

  const bytes = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (each) => each.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer)))
      .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const described = (list) => list.map((each) => ({ ...each, id: bytes(each.id) }));
  const fill = (fields) => {
    for (const [name, value] of Object.entries(fields)) form.elements[name].value = value;
  };

  const say = (sentence) => {
    said.textContent = sentence;
    said.hidden = !sentence;
  };

  const options = async () => {
    const body = new URLSearchParams(new FormData(form));
    const answer = await fetch(form.dataset.options, { method: "POST", body });
    const read = await answer.json();
    if (!answer.ok) throw new Error(read.error);
    return { ...read, challenge: bytes(read.challenge) };
  };

  const make = async (asked) => {
    const publicKey = {
      ...asked,
      user: { ...asked.user, id: bytes(asked.user.id) },
      excludeCredentials: described(asked.excludeCredentials),
    };
    const made = (await navigator.credentials.create({ publicKey })).response;
    fill({
      client: text(made.clientDataJSON),
      attestation: text(made.attestationObject),
      transports: made.getTransports ? made.getTransports().join(",") : "",
    });
  };

  const use = async (asked) => {
    const publicKey = { ...asked, allowCredentials: described(asked.allowCredentials) };
    const used = await navigator.credentials.get({ publicKey });
    fill({
      id: text(used.rawId),
      client: text(used.response.clientDataJSON),
      data: text(used.response.authenticatorData),
      signature: text(used.response.signature),
    });
  };

  const sentenceOf = (error) => {
    if (error.name === "InvalidStateError") return "This passkey is registered already.";
    if (error instanceof DOMException) return form.dataset.nothing;
    return error.message;
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!window.PublicKeyCredential) return say(form.dataset.unable);
    button.disabled = true;
    say("");
    try {
      const asked = await options();
      await (form.dataset.passkey === "make" ? make(asked) : use(asked));
      form.submit();
    } catch (error) {
      say(sentenceOf(error));
      button.disabled = false;
    }
  });
})();
