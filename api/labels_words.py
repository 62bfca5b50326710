"""What the pages about labels say."""

from __future__ import annotations

from domain.words import Words

SAID = {
    "title": Words("打印标签", "Print labels"),
    "of": Words("共 {n} 张标签", "{n} labels"),
    "template": Words("模板", "Template"),
    "printer": Words("输出为", "Write for"),
    "pdf": Words("PDF（A4 标签纸或标签打印机）", "PDF (sheets of A4, or a label printer)"),
    "png": Words("图片（PNG，多张时打包）", "Pictures (PNG, zipped when several)"),
    "zpl": Words("ZPL 标签打印机", "Label printer, ZPL"),
    "tspl": Words("TSPL 标签打印机", "Label printer, TSPL"),
    "dpi": Words("打印机分辨率（dpi）", "Resolution of the printer (dpi)"),
    "first": Words("标签纸上第一个空位", "First free place of the sheet"),
    "first-hint": Words(
        "仅用于 A4 标签纸；从左到右、从上到下数", "On A4 only; counted from the left, then down"
    ),
    "reason": Words("重印原因", "Why they are printed again"),
    "reason-hint": Words(
        "其中 {n} 件已印过标签；重印后原标签作废，扫描时会提示。",
        "{n} of them were printed before; those labels become void, and a scan says so.",
    ),
    "show": Words("更新预览", "Update the preview"),
    "record": Words("登记并打印", "Record and print"),
    "record-hint": Words(
        "登记后每件资产记下标签期次；之后可反复下载同一份文件，不算重印。",
        "Each asset keeps the issue of its label; the same file can be fetched again, which is no"
        " reprint.",
    ),
    "preview": Words("预览（第一张）", "Preview (the first one)"),
    "preview-alt": Words("标签预览", "Preview of the label"),
    "no-preview": Words(
        "这张标签印不出来，原因见上。", "This label cannot be printed; the reason stands above."
    ),
    "places": Words("第一页的位置", "Places of the first sheet"),
    "pages": Words("共 {n} 页", "{n} pages"),
    "problems": Words("这些标签印不出来", "These labels cannot be printed"),
    "left-out": Words("这些资产不印，其余照印", "These are left out; the others are printed"),
    "leave-out": Words("不印这些，其余照印", "Leave these out, print the others"),
    "more": Words("另有 {n} 件。", "And {n} more."),
    "nothing-printed": Words(
        "有标签印不出来，没有登记任何内容", "Some labels cannot be printed; nothing was recorded"
    ),
    "may-not": Words("您的岗位不能登记打印标签。", "Your role does not print labels."),
    "none": Words("没有选中资产。", "No asset was chosen."),
    "settings": Words("标签模板、空白标签、编号规则", "Templates, blank labels, number rule"),
    "done": Words("已登记 {n} 张标签", "{n} labels recorded"),
    "fetch": Words("下载文件", "Fetch the file"),
    "scale": Words(
        "打印时选“实际大小（100%）”，不要“适合页面”，否则二维码变形。",
        "Print at actual size (100 %), never “fit to page”, or the codes are distorted.",
    ),
    "to-inventory": Words("返回台账", "Back to the inventory"),
    "own": Words("本单位的模板", "Templates of the unit"),
    "own-none": Words(
        "还没有自定模板，可从下列样式修改而来。", "None yet; start from one of these."
    ),
    "edit": Words("编辑", "Edit"),
    "editor": Words("设定模板", "Draw up a template"),
    "editor-hint": Words(
        "填写后预览随之更新；自生效日起使用，已印的标签不变。",
        "The preview follows what you type. It holds from its day on; printed labels stay.",
    ),
    "fields-hint": Words(
        "自上而下按此次序印刷；资产没有的项目不印。",
        "Printed in this order, from the top down; what an asset does not have is left out.",
    ),
    "field-n": Words("第 {n} 项", "Line {n}"),
    "field-none": Words("第 {n} 项：无", "Line {n}: none"),
    "check": Words("防伪", "Against forgery"),
    "check-mac": Words("校验码，由服务器校验", "A code that the server checks"),
    "check-signed": Words(
        "完整签名，不连服务器也能校验（二维码更大）",
        "A whole signature, checked without the server (a larger code)",
    ),
    "signed": Words("带签名", "signed"),
    "save": Words("保存模板", "Save the template"),
    "blanks": Words("空白标签", "Blank labels"),
    "blanks-hint": Words(
        "先印后贴：扫描空白标签，即可绑定到资产；一张只能绑定一件。",
        "Print ahead, stick later: scan a blank label to bind it to an asset, once.",
    ),
    "blank-span": Words("哪一批", "Which printing"),
    "blank-range": Words("第 {first} 至 {last} 张", "{first} to {last}"),
    "rule": Words("资产编号规则", "Rule of asset numbers"),
    "rule-none": Words("尚未设定。", "None yet."),
    "sheet-used": Words("已用", "used"),
    "sheet-print": Words("将印", "to print"),
    "sheet-free": Words("空余", "free"),
}

# An example that has everything, and a name that is too long for most templates.
SAMPLE = {
    "unit": Words("示例市机关事务管理局", "Example City Government Offices"),
    "asset_no": Words("BM-2026-000123-K", "BM-2026-000123-K"),
    "name": Words(
        "激光多功能一体打印机（黑白双面，含有线网络与无线网络模块）",
        "Laser printer, copier and scanner with wired and wireless network",
    ),
    "model": Words("启天 M455-A1", "M455-A1"),
    "department": Words("财务审计处", "Finance and Audit"),
    "in_service": Words("2026-03-18", "2026-03-18"),
    "serial": Words("SN-20260318-07", "SN-20260318-07"),
    "place": Words("一号楼302室", "Building 1, room 302"),
    "user": Words("张三", "Zhang San"),
    "epc": Words("340E98D4280000174876E807", "340E98D4280000174876E807"),
    "identity": Words("7Q2K", "7Q2K"),
}
