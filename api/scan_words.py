"""What the scan app says: it speaks without the server, so it carries every sentence with it."""

from __future__ import annotations

from typing import Final

WORDS: Final[dict[str, tuple[str, str]]] = {
    "app": ("盘点扫码", "Stock-take"),
    "office": ("返回公物系统", "Back to Gongwu"),
    "no-script": (
        "此页需要 JavaScript；没有时请用这一页逐条录入：",
        "This page needs JavaScript. Without it, enter one code at a time here:",
    ),
    "no-storage": (
        "浏览器不让本页保存数据（可能是无痕模式），不能离线盘点。",
        "The browser does not let this page keep data (a private window?): no counting offline.",
    ),
    # Which stock-take
    "choose-task": ("选择盘点任务", "Choose a stock-take"),
    "no-tasks": (
        "还没有可盘的任务。请先联网登录；盘点负责人开盘后，任务会出现在这里。",
        (
            "Nothing to count yet. Sign in while there is a network; a stock-take appears here once its"
            " lead has opened it."
        ),
    ),
    "task-loaded": ("已装入本机，{n} 件（{at}）", "On this device, {n} items ({at})"),
    "task-load": ("点按装入本机，之后可离线盘点", "Tap to load; then it works offline"),
    "loading": ("正在装入……", "Loading…"),
    "back": ("换任务", "Other task"),
    # Place first
    "place-first": ("请先扫处所标签，或在下面选择", "Scan the place first, or choose it below"),
    "choose-place": ("选择处所", "Choose a place"),
    "go-on": ("请扫资产", "Scan an item"),
    "no-place": ("未登记处所", "no place on record"),
    "here": ("{n}/{of}", "{n}/{of}"),
    "whole": ("全部：已盘 {n} / 应盘 {of}", "In all: {n} of {of} counted"),
    "whole-blind": ("已盘 {n} 件（盲盘，不显示清单）", "{n} counted (blind count: no list shown)"),
    # What a scan came to
    "result-right": ("在册", "Right"),
    "result-recorded": ("已记录", "Recorded"),
    "result-misplaced": ("不在本处", "Misplaced"),
    "result-void": ("标签已作废", "void label"),
    "result-confirm": ("须扫二维码", "Read its label"),
    "result-moved": ("期间已移位", "Moved since"),
    "result-unknown": ("账外", "Unknown"),
    "result-foreign": ("非资产码", "Not an asset code"),
    "result-factory": ("出厂标签", "Factory tag"),
    "result-already": ("重复", "Already counted"),
    "result-half": ("只有半个码", "Half a code"),
    "result-several": ("多个码连在一起", "Several codes at once"),
    "result-noplace": ("未选处所", "No place chosen"),
    "result-place": ("处所", "Place"),
    "result-undone": ("已撤销", "Undone"),
    "result-conflict": ("与先前内容冲突", "Conflict"),
    "result-late": ("盘点已结束", "Count is over"),
    "result-unlabelled": ("无标签", "No label"),
    "say-misplaced": (
        "账上在：{place}。已记下实际处所，账不会自动改。",
        "On record in {place}. Where it stands is noted; the books do not change by themselves.",
    ),
    "say-void": (
        "这张标签已作废，请核对实物并换贴新标签。",
        "This label is void; check the thing and put the new label on.",
    ),
    "say-confirm": (
        "价值较高，只凭射频不算盘到；请扫二维码，或者拍照并由人核实。",
        "Worth too much to be counted by radio alone. Read its QR code, or have it looked at.",
    ),
    "say-already": (
        "{at} 已在{place}盘过，不重复计数。",
        "Counted at {at} in {place}; not counted twice.",
    ),
    "say-unknown": (
        "清单里没有这个码。已连同处所留存，请拍一张照片。",
        "Not on the list. Kept with its place; please take a photo.",
    ),
    "say-foreign": (
        "这不是资产标签，已按原样留存。",
        "This is no asset label; kept as it came.",
    ),
    "say-factory": (
        "这是标签出厂时的编码，尚未绑定资产；已留存，请改扫二维码或拍照。",
        (
            "The tag still has its factory code and belongs to no asset. Kept; scan the QR code or take"
            " a photo."
        ),
    ),
    "say-half": (
        "只收到半个地址，已按原样留存；请对准再扫一次。",
        "Only half an address came. Kept as it is; please scan again.",
    ),
    "say-several": (
        "几个码连成一串，分不开，已按原样留存；请逐个再扫。",
        (
            "Several codes ran together and cannot be told apart. Kept as they came; scan them one by"
            " one."
        ),
    ),
    "say-noplace": (
        "已留存，但不知在何处；请扫处所标签后再扫一次。",
        "Kept, but nobody knows where. Scan the place, then this again.",
    ),
    "say-unlabelled": (
        "无标签实物已连同照片、处所留存，由复核人处理。",
        "A thing without a label, kept with photo and place for the reviewer.",
    ),
    "say-undone": (
        "撤销也是一条记录，原扫码仍留存。",
        "The undo is a record too; the scan itself is kept.",
    ),
    "seal-genuine": ("标签签名校验通过。", "The signature of the label is genuine."),
    "seal-forged": (
        "标签签名校验不通过：编号、期次或签名被改动过。已留存，请拍一张照片。",
        "The signature is false: id, issue or signature was altered. Kept; please take a photo.",
    ),
    "seal-retired": (
        "签名所用密钥已停用，请核对实物并换贴新标签。",
        "The key of this signature was retired; check the thing, put a new label on.",
    ),
    "seal-unchecked": (
        "本机不能校验签名，联网后由服务器校验。",
        "This device cannot check the signature; the server will.",
    ),
    "split": ("一次收到 {n} 个码，已分开记录。", "{n} codes in one go, recorded one by one."),
    "not-stored": ("没有存下", "Not stored"),
    "not-stored-hint": (
        "本机存储失败（可能已满），这次扫码未被记录；请先上传，或导出文件。",
        (
            "This device could not store it (full?), so it is not recorded. Send first, or save to a"
            " file."
        ),
    ),
    # Ways in
    "camera-on": ("开相机", "Camera on"),
    "camera-off": ("关相机", "Camera off"),
    "camera-choice": ("选择相机", "Choose a camera"),
    "camera-n": ("相机 {n}", "Camera {n}"),
    "camera-paused": (
        "一分钟没有读到码，相机已暂停以省电。",
        "No code for a minute: the camera is off to save power.",
    ),
    "camera-no": ("相机不可用", "No camera"),
    "say-camera-denied": (
        "浏览器没有得到相机许可；请在浏览器设置里允许，或用“拍照识码”。",
        "The browser was not allowed the camera. Allow it in its settings, or read a photo instead.",
    ),
    "say-camera-none": (
        "没有找到相机；请用“拍照识码”、扫码枪或手工输入。",
        "No camera was found. Read a photo, use a scanner, or type.",
    ),
    "say-camera-decoder": (
        "识码程序没有装入；请联网重新打开本页，或手工输入。",
        "The decoder did not load. Open this page again with a network, or type.",
    ),
    "torch": ("手电", "Light"),
    "type": ("扫码枪或手工输入", "Scanner, or type here"),
    "take": ("记录", "Record"),
    "shot": ("拍照识码", "Read a photo"),
    "bare": ("无标签拍照", "No label: photo"),
    "photo-of": ("给它拍照留存", "Keep a photo of it"),
    "quantity": ("实点数量", "Quantity counted"),
    "count-many": ("记数量", "Keep quantity"),
    "quantity-kept": ("实点 {n}。", "Counted: {n}."),
    "quantity-differs": ("实点 {n}，账面 {books}。", "Counted: {n}; on the list: {books}."),
    "quantity-wrong": ("数量须为数字，如 38 或 2.5。", "A quantity is a number such as 38 or 2.5."),
    "photo-kept": ("照片已留存。", "The photo is kept."),
    "note-photo": ("第 {n} 次扫码的照片", "photo of scan {n}"),
    "note-unlabelled": ("无标签实物", "thing without a label"),
    "reading": ("正在识别……", "Reading…"),
    "no-picture": ("不是图片", "Not a picture"),
    "say-no-picture": (
        "这个文件不是浏览器能打开的图片，没有留存；请重新拍照。",
        "The browser cannot open this file as a picture and it was not kept. Take another photo.",
    ),
    "no-code": ("没有读到码", "No code found"),
    "say-no-code": (
        "照片里没有读到码；请靠近、对焦、避开反光再拍，或手工输入。",
        "No code in the photo. Go closer, focus, avoid glare, or type it.",
    ),
    "undo": ("撤销", "Undo"),
    "undo-last": ("撤销上一条", "Undo last"),
    # Lists
    "lists": ("清单", "Lists"),
    "tab-recent": ("刚扫", "Recent"),
    "tab-left": ("未盘", "Not yet"),
    "tab-odd": ("异常", "To check"),
    "none-yet": ("还没有。", "Nothing yet."),
    "none-left": ("这里都盘到了。", "Everything here is counted."),
    "blind-left": ("盲盘：不显示应盘清单。", "Blind count: the list is not shown."),
    "more": ("还有 {n} 件。", "{n} more."),
    "state-sent": ("已上传", "sent"),
    "state-refused": ("服务器未收", "refused by the server"),
    "result-refused": ("服务器未收", "Refused"),
    "result-damaged": ("传输受损", "Damaged"),
    "state-waiting": ("待上传", "not sent yet"),
    # Sending
    "waiting": ("待上传 {n}", "{n} not sent"),
    "sent-at": ("最后同步 {at}", "last sent {at}"),
    "never-sent": ("尚未同步", "not synced yet"),
    "send-now": ("立即上传", "Send now"),
    "trouble-offline": (
        "没有网络：照常盘点，恢复后自动上传。",
        "No network: go on counting. It is sent by itself later.",
    ),
    "trouble-login": (
        "已连上，但需要登录才能上传；已扫的都在本机。",
        "Connected, but sign in to send. All scans are on this device.",
    ),
    "trouble-away": (
        "服务器暂时不能接收，稍后自动重试；已扫的都在本机。",
        "The server cannot take it now and is asked again. All scans are on this device.",
    ),
    "trouble-refused": (
        "服务器没有接收，已扫的都在本机。",
        "The server did not take it. All scans are on this device.",
    ),
    "trouble-invalid": (
        "服务器没有接收，已扫的都在本机。",
        "The server did not take it. All scans are on this device.",
    ),
    "trouble-large": (
        "一批太大，服务器没有接收；已扫的都在本机。",
        "A batch was too large for the server. All scans are on this device.",
    ),
    "trouble-other": (
        "现在登录的是{name}，本机扫码属于另一人；请原盘点人登录后上传。",
        "{name} is signed in, but these scans are another person's. Sign in as whoever counted.",
    ),
    "sign-in": ("登录", "Sign in"),
    "who": ("{name} · 本机编号 {device}", "{name} · device {device}"),
    "skew": (
        "本机时钟与服务器相差约 {n} 分钟；照常盘点，顺序不受影响。",
        "This device's clock is about {n} minutes off. Go on counting; the order is kept.",
    ),
    "mode-full": (
        "本页可离线使用：相机、扫码枪、手工输入都可用。",
        "This page works offline: camera, scanner and typing.",
    ),
    "mode-no-camera": (
        "本页可离线使用；这台设备没有可用的相机，请用扫码枪、照片或手工输入。",
        "This page works offline. There is no camera to use here: scanner, photo or typing.",
    ),
    "mode-loading": (
        "本页还没有存到本机；请保持联网片刻，不要关闭。",
        "This page is not yet on the device: stay connected a moment, do not close it.",
    ),
    "mode-http": (
        "当前不是 HTTPS：实时相机和离线打开不可用；扫码枪、拍照识码、手工输入可用，请勿关闭本页。",
        (
            "Not HTTPS: no live camera and no opening offline. Scanner, photo and typing work; keep this"
            " page open."
        ),
    ),
    "update": (
        "有新版本，点按更新（已扫的不受影响）",
        "A new version is here: tap to update (scans stay)",
    ),
    # Ending
    "finish": ("本机盘点完毕", "Done on this device"),
    "finish-waiting": (
        "还有 {n} 条没有上传，上传完才能结束。",
        "{n} not sent yet; this device can finish once they are.",
    ),
    "finish-ready": ("本机扫码已全部上传。", "Everything of this device is sent."),
    "finish-done": ("已告知服务器：本机盘点完毕。", "The server knows: this device is done."),
    "finish-owed": ("服务器还缺几条，正在补传。", "The server lacks some; they are sent again."),
    "finish-failed": ("还不能结束", "Not done yet"),
    "save": ("导出到文件（备用）", "Save to a file (last resort)"),
}
