/// How a page of comparison looks, and what it does.
enum ComparisonStyle {
    static let style =
        """
        .facts{display:flex;flex-wrap:wrap;gap:.4rem 1.6rem;margin:0}.facts dt{color:var(--quiet);font-size:.85em}
        .facts dd{margin:0;font-variant-numeric:tabular-nums}
        .wide{overflow-x:auto;max-width:100%}
        table{border-collapse:collapse;font-variant-numeric:tabular-nums}
        caption{text-align:left;color:var(--quiet);padding-bottom:.3rem}
        th,td{padding:.15rem .45rem;text-align:right;white-space:nowrap}
        th[scope=row],#tensors th:first-child{text-align:left;font-weight:400}
        .map td{border:1px solid var(--ground);min-width:3.2rem;font-size:.8rem;cursor:default}
        .map thead span{writing-mode:vertical-rl;transform:rotate(180deg);font-weight:400;max-height:14rem}
        .map td:focus{outline:3px solid var(--text);outline-offset:-2px}
        #tensors td,#tensors th{border-bottom:1px solid var(--line)}
        #tensors thead th{position:sticky;top:0;background:var(--ground)}
        #tensors button{all:unset;cursor:pointer;color:var(--quiet)}
        #tensors button:focus-visible{outline:2px solid currentColor}
        th[aria-sort=ascending] button::after{content:" ▲"}th[aria-sort=descending] button::after{content:" ▼"}
        svg{width:160px;height:40px;display:block}svg path{fill:rgb(var(--heat))}
        #detail{border:1px solid var(--line);border-radius:.4rem;padding:.6rem .8rem;margin:.8rem 0;min-height:5rem}
        #detail p,#detail h3{margin:0 0 .4rem;font-size:1rem}

        """ + (1...9).map { ".h\($0){background:rgb(var(--heat)/\($0 * 8 + 4)%)}" }.joined()

    static let script = """
        "use strict";
        const detail=document.getElementById("detail"),list=document.getElementById("tensors");
        const heads=[...list.tHead.rows[0].cells];
        function show(cell){
          const row=document.getElementById("t"+cell.dataset.t),title=document.createElement("h3");
          title.textContent=row.cells[0].textContent;
          const facts=document.createElement("dl");facts.className="facts";
          for(let i=1;i<row.cells.length;i++){
            const box=document.createElement("div"),name=document.createElement("dt"),value=document.createElement("dd");
            if(!row.cells[i].childNodes.length)continue;
            name.textContent=heads[i].textContent;
            value.append(...[...row.cells[i].childNodes].map(node=>node.cloneNode(true)));
            box.append(name,value);facts.append(box);
          }
          detail.replaceChildren(title,facts);
        }
        const filled=cell=>cell&&cell.dataset&&cell.dataset.t!==undefined;
        function next(cell,down,right){
          const rows=cell.closest("tbody").rows;
          let row=cell.parentNode.sectionRowIndex,column=cell.cellIndex,found;
          do{row+=down;column+=right;found=rows[row]&&column>0?rows[row].cells[column]:null;}while(found&&!filled(found));
          return found;
        }
        const steps={ArrowDown:[1,0],ArrowUp:[-1,0],ArrowRight:[0,1],ArrowLeft:[0,-1]};
        for(const map of document.querySelectorAll(".map")){
          map.addEventListener("focusin",event=>{
            if(!filled(event.target))return;
            for(const cell of map.querySelectorAll('td[tabindex="0"]'))cell.tabIndex=-1;
            event.target.tabIndex=0;show(event.target);
          });
          map.addEventListener("keydown",event=>{
            if(!filled(event.target))return;
            let to=null;const cells=[...event.target.parentNode.cells].filter(filled);
            if(steps[event.key])to=next(event.target,...steps[event.key]);
            else if(event.key==="Home")to=cells[0];
            else if(event.key==="End")to=cells[cells.length-1];
            else return;
            event.preventDefault();if(to)to.focus();
          });
        }
        heads.forEach((head,index)=>head.firstChild.addEventListener("click",()=>{
          const falling=head.getAttribute("aria-sort")!=="descending";
          for(const other of heads)other.removeAttribute("aria-sort");
          head.setAttribute("aria-sort",falling?"descending":"ascending");
          const text=row=>row.cells[index].textContent;
          const number=row=>{const value=text(row)==="infinite"?Infinity:parseFloat(text(row));
            return Number.isNaN(value)?-Infinity:value;};
          const order=(a,b)=>index<2?text(a).localeCompare(text(b)):number(a)===number(b)?0:number(a)<number(b)?-1:1;
          const body=list.tBodies[0];
          body.append(...[...body.rows].sort((a,b)=>falling?order(b,a):order(a,b)));
        }));
        """
}
