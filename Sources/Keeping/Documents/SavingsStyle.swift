/// How a page of savings looks, and what it does.
enum SavingsStyle {
    /// Of stored bytes and of each cause: apart from each other for those who see few colors, by lightness too.
    private static let light = ["#3b3b3b", "#0072b2", "#e69f00", "#56b4e9", "#009e73", "#cc79a7", "#d55e00", "#f0e442"]
    private static let dark = ["#d0d0d0", "#4aa3df", "#ffc04d", "#8fd0f5", "#3cc79a", "#e3a3c6", "#ff8a4d", "#f5ee85"]

    private static func variables(_ colors: [String]) -> String {
        colors.enumerated().map { "--c\($0):\($1)" }.joined(separator: ";")
    }

    static let style =
        """
        :root{\(variables(light))}
        @media(prefers-color-scheme:dark){:root{\(variables(dark))}}
        .facts{display:flex;flex-wrap:wrap;gap:.4rem 1.6rem;margin:0}.facts dt{color:var(--quiet);font-size:.85em}
        .facts dd{margin:0;font-variant-numeric:tabular-nums}
        .wide{overflow-x:auto;max-width:100%}
        .key{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;list-style:none;margin:0 0 .6rem;padding:0}
        .key svg{width:.8rem;height:.8rem;margin-right:.4rem;border-radius:2px}
        .bars{display:grid;grid-template-columns:minmax(4rem,auto) 1fr;gap:.35rem .8rem;align-items:center}
        .bars span{max-width:16rem}.bar{width:100%;height:1.3rem;display:block;border-radius:3px}
        .map,.line{width:100%;min-width:36rem;height:auto;display:block;overflow:visible}
        .map rect{stroke:var(--ground);stroke-width:1.5}.map text{font-size:12.5px;pointer-events:none}
        .map .head{font-weight:600;fill:var(--text)}.map .tile{fill:#000}
        .line text{font-size:13px;fill:var(--quiet)}.line .area{fill:var(--c1);opacity:.18}
        .line .edge{fill:none;stroke:var(--c1);stroke-width:2}.line circle{fill:var(--c1)}
        .mend{padding-left:1.1rem}.mend li{margin:.5rem 0}summary{cursor:pointer;padding:.15rem 0}
        code{display:block;font:12.5px/1.5 ui-monospace,monospace;background:rgb(128 128 128/14%);padding:.25rem .5rem;\
        border-radius:.3rem;margin-top:.2rem;user-select:all}
        table{border-collapse:collapse;font-variant-numeric:tabular-nums}
        th,td{padding:.2rem .5rem;text-align:right;white-space:nowrap;border-bottom:1px solid var(--line)}
        th[scope=row]{max-width:24rem;overflow:hidden;text-overflow:ellipsis}
        th:first-child,th:nth-child(-n+4),td:nth-child(-n+4){text-align:left;font-weight:400}
        td:nth-child(3){max-width:14rem;overflow:hidden;text-overflow:ellipsis}
        thead th{font-weight:400}thead button{all:unset;cursor:pointer;color:var(--quiet)}
        button:focus-visible,code:focus-visible,summary:focus-visible{outline:2px solid currentColor}
        tbody tr{cursor:default}tbody tr:focus{outline:2px solid var(--text);outline-offset:-2px}
        tbody tr:hover{background:rgb(128 128 128/10%)}
        th[aria-sort=ascending] button::after{content:" ▲"}th[aria-sort=descending] button::after{content:" ▼"}
        #detail{border:1px solid var(--line);border-radius:.4rem;padding:.6rem .8rem;margin:.8rem 0;min-height:5rem}
        #detail p,#detail h3{margin:0 0 .4rem;font-size:1rem}
        @media(max-width:600px){#items td:nth-child(n+8),#items th:nth-child(n+8),#items td:nth-child(3),\
        #items thead th:nth-child(3){display:none}th[scope=row]{max-width:11rem}\
        .bars{grid-template-columns:1fr;gap:.15rem}.bar{margin-bottom:.4rem}.map,.line{min-width:56rem}}

        """ + (0...7).map { ".c\($0){fill:var(--c\($0))}" }.joined()
        + [3, 4, 2, 5, 1, 6, 7].enumerated().map { place, color in
            ".m\(place) rect{fill:color-mix(in srgb,var(--c\(color)) 72%,#fff)}"
        }.joined()

    static let script = """
        "use strict";
        const list=document.getElementById("items"),detail=document.getElementById("detail");
        if(list){
          const heads=[...list.tHead.rows[0].cells],body=list.tBodies[0];
          const show=row=>{
            const title=document.createElement("h3"),facts=document.createElement("dl");
            title.textContent=row.cells[0].textContent;facts.className="facts";
            for(let i=1;i<row.cells.length;i++){
              if(!row.cells[i].textContent||row.cells[i].dataset.v==="0")continue;
              const box=document.createElement("div"),name=document.createElement("dt"),value=document.createElement("dd");
              name.textContent=heads[i].textContent;value.textContent=row.cells[i].textContent;
              box.append(name,value);facts.append(box);
            }
            detail.replaceChildren(title,facts);
          };
          body.addEventListener("focusin",event=>{
            const row=event.target.closest("tr");
            for(const other of body.querySelectorAll('tr[tabindex="0"]'))other.tabIndex=-1;
            row.tabIndex=0;show(row);
          });
          body.addEventListener("click",event=>event.target.closest("tr").focus());
          body.addEventListener("keydown",event=>{
            const row=event.target.closest("tr"),rows=body.rows;let to;
            if(event.key==="ArrowDown")to=row.nextElementSibling;
            else if(event.key==="ArrowUp")to=row.previousElementSibling;
            else if(event.key==="Home")to=rows[0];
            else if(event.key==="End")to=rows[rows.length-1];
            else return;
            event.preventDefault();if(to)to.focus();
          });
          heads.forEach((head,index)=>head.firstChild.addEventListener("click",()=>{
            const falling=head.getAttribute("aria-sort")!=="descending";
            for(const other of heads)other.removeAttribute("aria-sort");
            head.setAttribute("aria-sort",falling?"descending":"ascending");
            const key=row=>row.cells[index].dataset.v===undefined?row.cells[index].textContent:Number(row.cells[index].dataset.v);
            const keyed=[...body.rows].map(row=>[key(row),row]);
            const order=(a,b)=>typeof a[0]==="number"?a[0]-b[0]:a[0].localeCompare(b[0]);
            keyed.sort((a,b)=>falling?order(b,a):order(a,b));
            body.append(...keyed.map(pair=>pair[1]));
          }));
        }
        """
}
