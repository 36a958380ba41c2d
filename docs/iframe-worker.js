// A page that is opened as a file may start no Worker, so its search would have none. This one runs in a frame instead:
// the same messages, the same thread. In the place of the shim that the theme would fetch from the network.
window.IFrameWorker = class extends EventTarget {
  constructor(url) {
    super()
    this.onmessage = this.onerror = null
    this.frame = document.createElement("iframe")
    this.frame.hidden = true
    document.body.appendChild(this.frame)
    this.inner = this.frame.contentWindow
    window.addEventListener("message", event => {
      if (event.source !== this.inner) return
      const told = new MessageEvent("message", { data: event.data })
      this.dispatchEvent(told)
      if (this.onmessage) this.onmessage(told)
    })
    const page = this.inner.document
    page.open()
    page.write("<script>postMessage = message => parent.postMessage(message, '*')</script>")
    page.write(`<script>importScripts = (...urls) => urls.reduce((last, url) => last.then(() => new Promise(done => {
      const script = document.createElement("script"); script.src = url; script.onload = done
      document.body.appendChild(script) })), Promise.resolve())</script>`)
    page.write(`<script src="${url}"></script>`)
    page.close()
    this.ready = new Promise(done => this.inner.addEventListener("load", done))
  }
  postMessage(message) {
    this.ready.then(() => this.inner.dispatchEvent(new MessageEvent("message", { data: message })))
  }
  terminate() {
    this.frame.remove()
  }
}
if (location.protocol === "file:") window.Worker = window.IFrameWorker
